# Turnover begins anew at the session roll, in the tick, and is judged there; late trades count in the event clock's day.
set exposure/measure=turnover
set exposure/remark=0
set rules/symbol_exposure/enabled=off
at 86390
A buys 6000 X at 100 as E1
A sells 5000 X at 100
=> open HIGH HIGH_CLIENT_EXPOSURE A 1100000 @2
at 86400
print 1 X at 100
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 0 @3
at 86395
A buys 9999 X at 100
A buys 2 X at 100
=> open HIGH HIGH_CLIENT_EXPOSURE A 1000100 @5
# E1 was counted yesterday: its bust takes nothing from today's turnover
bust E1
