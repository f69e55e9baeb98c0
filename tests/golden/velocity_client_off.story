# Accounts' velocity switched off: nothing is counted from there on, and what is open ends when its window is empty enough.
set exposure/remark=0
set rules/client_exposure/enabled=off
set rules/symbol_exposure/enabled=off
set rules/velocity/threshold=2
set rules/velocity/symbol=on
at 0
A buys 1 X at 100
at 1
A buys 1 X at 100
A buys 1 X at 100
=> open HIGH HIGH_TRANSACTION_VELOCITY A 3 @3
=> open HIGH HIGH_TRANSACTION_VELOCITY X 3 @3
restart with rules/velocity/client=off
at 2
A buys 1 X at 100
restart with rules/velocity/symbol=off
at 60
print 1 X at 100
at 61
print 1 X at 100
=> resolve HIGH HIGH_TRANSACTION_VELOCITY A 0 @6
=> resolve HIGH HIGH_TRANSACTION_VELOCITY X 1 @6
