# An account and a symbol of one name: their events of one rule stand in the order of the table, CLIENT before SYMBOL.
set exposure/remark=0
set rules/client_exposure/enabled=off
set rules/symbol_exposure/enabled=off
set rules/velocity/symbol=on
at 0
print 1 X at 10
X buys 1 X at 10
X buys 1 X at 10
restart with rules/velocity/threshold=2
X buys 1 X at 10 as E1
=> open HIGH HIGH_TRANSACTION_VELOCITY X 3 @4
=> open HIGH HIGH_TRANSACTION_VELOCITY X 4 @4
bust E1
=> retract HIGH HIGH_TRANSACTION_VELOCITY X 2 @5
=> retract HIGH HIGH_TRANSACTION_VELOCITY X 3 @5
# the symbol has still three, and opens again
=> open HIGH HIGH_TRANSACTION_VELOCITY X 3 @5
at 0.5
X buys 1 X at 10
=> open HIGH HIGH_TRANSACTION_VELOCITY X 3 @6
at 30
print 1 X at 10
at 61
print 1 Y at 10
=> resolve HIGH HIGH_TRANSACTION_VELOCITY X 0 @8
=> resolve HIGH HIGH_TRANSACTION_VELOCITY X 1 @8
