# Re-marking happens in ticks, for all holders of the symbols traded since the last one; a trade exactly on a second comes
# after that second's tick.
set rules/symbol_exposure/enabled=off
at 0.1
A buys 1000 X at 900
B buys 1000 Y at 900
at 0.2
print 1 X at 1100
# the tick of second 1 re-marks A before this trade is applied; B's symbol did not move
at 1
print 1 Y at 2000
=> open HIGH HIGH_CLIENT_EXPOSURE A 1100000 @4
at 2
print 1 X at 900
=> open CRITICAL HIGH_CLIENT_EXPOSURE B 2000000 @5
at 3.7
print 1 Y at 900
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 900000 @6
at 4
print 1 Y at 900
=> resolve CRITICAL HIGH_CLIENT_EXPOSURE B 900000 @7
