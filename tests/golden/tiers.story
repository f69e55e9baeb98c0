# Tiers are strictly above; re-arming is at or below 0.9; an alert opens directly at the highest tier exceeded.
set exposure/remark=0
set rules/symbol_exposure/enabled=off
at 0
A buys 10000 X at 100
A buys 0.00000001 X at 100
=> open HIGH HIGH_CLIENT_EXPOSURE A 1000000.000001
A sells 1000 X at 100
A sells 0.00000001 X at 100
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 900000
# 1,500,000 exactly is not CRITICAL; one unit more is
B buys 10000 Y at 100
B buys 5000 Y at 100
=> open HIGH HIGH_CLIENT_EXPOSURE B 1500000
B buys 0.00000001 Y at 100
=> escalate CRITICAL HIGH_CLIENT_EXPOSURE B 1500000.000001
B sells 6000.00000001 Y at 100
=> resolve CRITICAL HIGH_CLIENT_EXPOSURE B 900000
C buys 9999 Z at 200
=> open CRITICAL HIGH_CLIENT_EXPOSURE C 1999800
