# Another key begins statistics anew; what is open under the old one is no key's any more, and the next tick ends it.
set exposure/remark=0
set rules/client_exposure/enabled=off
set rules/symbol_exposure/enabled=off
set rules/velocity/enabled=off
set rules/anomaly/minimum=4
set rules/anomaly/window=4
at 0.1
print 1 Y at 10
print 1 Y at 12
print 1 Y at 10
print 1 Y at 12
print 1 Y at 14.5 as E1
=> open MEDIUM ANOMALY_DETECTED Y 1450 @5
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
print 1 X at 20
=> open HIGH ANOMALY_DETECTED X 2000 @10
print 1 Z at 10
print 1 Z at 12
print 1 Z at 10
print 1 Z at 12
print 1 Z at 14.5
=> open MEDIUM ANOMALY_DETECTED Z 1450 @15
restart with rules/anomaly/key=system
# of no key, it can still be retracted
bust E1
=> retract MEDIUM ANOMALY_DETECTED Y 1450 @16
at 0.9
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
print 1 X at 20
=> open HIGH ANOMALY_DETECTED * 2000 @21
at 1
print 1 Y at 10
=> resolve HIGH ANOMALY_DETECTED X 0 @22
=> resolve MEDIUM ANOMALY_DETECTED Z 0 @22
# in force is the key of now, and what is open under it waits for its quiet minute
at 60
print 1 Y at 10
at 61
print 1 Y at 10
=> resolve HIGH ANOMALY_DETECTED * 0 @24
# away and back before a tick: X opens again, and is another alert
restart with rules/anomaly/key=symbol
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
print 1 X at 14.5
=> open MEDIUM ANOMALY_DETECTED X 1450 @29
restart with rules/anomaly/key=account
restart with rules/anomaly/key=symbol
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
print 1 X at 20
=> open HIGH ANOMALY_DETECTED X 2000 @34
quiet until 64
=> resolve MEDIUM ANOMALY_DETECTED X 0 @34
restart with rules/anomaly/key=account
quiet until 67
=> resolve HIGH ANOMALY_DETECTED X 0 @34
