# More than 10 trades in (t - 60 s, t]; a trade exactly 60 s old is out; a tick counts and resolves, evicting nothing.
set rules/symbol_exposure/enabled=off
set rules/client_exposure/enabled=off
at 0.5
A buys 1 X at 1
at 1.5
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
# the first has just left the window: ten are in it
at 60.5
A buys 1 X at 1
A buys 1 X at 1
=> open HIGH HIGH_TRANSACTION_VELOCITY A 11 @12
# at 61.5 the nine of 1.5 leave; in the tick at 61 they are still in, in the tick at 62 two are left
at 61
print 1 X at 1
at 62
print 1 X at 1
=> resolve HIGH HIGH_TRANSACTION_VELOCITY A 2 @14
