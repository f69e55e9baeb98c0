# LARGE_TRADE fires on its own, prints too, and is retracted by a bust; exactly 10,000 units are not large.
set exposure/remark=0
set rules/symbol_exposure/enabled=off
set rules/client_exposure/enabled=off
at 0
print 10000 X at 1
print 10000.5 X at 1
=> fire HIGH LARGE_TRADE story/0/2 10000.5
A buys 20000 X at 1 as E1
=> fire HIGH LARGE_TRADE story/0/3 20000
bust E1
=> retract HIGH LARGE_TRADE story/0/3 20000
refused bust E1 : unknown_ref
