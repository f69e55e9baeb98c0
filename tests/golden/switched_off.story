# A level rule that is off opens nothing and raises nothing; what it had open may still end, in ticks, by the usual re-arm.
set exposure/remark=0
set rules/client_exposure/threshold=1000
set rules/symbol_exposure/threshold=3000
set rules/symbol_exposure/rearm=1
set rules/velocity/threshold=2
at 0
A buys 11 X at 100
=> open HIGH HIGH_CLIENT_EXPOSURE A 1100 @1
C buys 16 X at 100
=> open CRITICAL HIGH_CLIENT_EXPOSURE C 1600 @2
B buys 9 X at 100
=> open HIGH HIGH_SYMBOL_EXPOSURE X 3600 @3
restart with rules/client_exposure/enabled=off
A buys 10 X at 100
=> escalate CRITICAL HIGH_SYMBOL_EXPOSURE X 4600 @4
B buys 1 X at 100
B buys 1 X at 100
=> open HIGH HIGH_TRANSACTION_VELOCITY B 3 @6
restart with rules/symbol_exposure/enabled=off
restart with rules/velocity/enabled=off
at 1
A sells 21 X at 100
C sells 8 X at 100
B buys 9 X at 100
# A 0, B 2,000, C 800, X 2,800 at its mark
at 2
print 1 X at 1
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 0 @10
=> resolve CRITICAL HIGH_CLIENT_EXPOSURE C 800 @10
=> resolve CRITICAL HIGH_SYMBOL_EXPOSURE X 2800 @10
at 60
print 1 X at 1
# of B's trades all but the last are a minute old
=> resolve HIGH HIGH_TRANSACTION_VELOCITY B 1 @11
restart with rules/client_exposure/enabled=on
at 61
print 1 X at 1
=> open CRITICAL HIGH_CLIENT_EXPOSURE B 2000 @12
