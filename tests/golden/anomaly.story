# |z| > 3 against the last 100 before it, at least 30; sigma 0 is no hit; quiet for 60 s resolves in a tick.
set rules/symbol_exposure/enabled=off
set rules/velocity/enabled=off
set rules/anomaly/minimum=4
set rules/anomaly/window=4
at 0.5
print 1 X at 10
print 1 X at 10
print 1 X at 10
print 1 X at 10
# sigma 0
print 1 X at 1000
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
# mean 11, sigma 1 : 14 is exactly 3 sigma, no hit
print 1 X at 14
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
print 1 X at 14.01
=> open MEDIUM ANOMALY_DETECTED X 1401 @15
print 1 X at 10
print 1 X at 12
print 1 X at 10
print 1 X at 12
print 1 X at 6.5
=> escalate HIGH ANOMALY_DETECTED X 650 @20
at 60
print 1 X at 11
at 61
print 1 X at 11
=> resolve HIGH ANOMALY_DETECTED X 0 @22
