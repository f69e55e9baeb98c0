# A smaller window is in force from each key's next trade on: that one is judged against the last four, no more.
set rules/symbol_exposure/enabled=off
set rules/velocity/enabled=off
set rules/anomaly/minimum=4
set rules/anomaly/window=8
at 0.5
print 1 X at 100
print 1 X at 1000
print 1 X at 100
print 1 X at 1000
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
# against all eight: mean 280.5, sigma 419
restart with rules/anomaly/window=4
# mean 11, sigma 1
print 1 X at 14.5
=> open MEDIUM ANOMALY_DETECTED X 1450 @9
