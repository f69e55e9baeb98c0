# Thresholds by name; a changed setting is judged from each key's next trade or tick on.
set exposure/remark=0
set rules/symbol_exposure/enabled=off
set rules/client_exposure/threshold@A=2000
at 0
A buys 21 X at 100
=> open HIGH HIGH_CLIENT_EXPOSURE A 2100 @1
B buys 21 X at 100
restart with rules/client_exposure/threshold=1500
B buys 1 X at 100
=> open HIGH HIGH_CLIENT_EXPOSURE B 2200 @3
restart with rules/client_exposure/threshold@A=9000
at 1
print 1 X at 100
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 2100 @4
