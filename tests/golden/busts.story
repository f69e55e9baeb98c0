# A bust gives back position, turnover and window entries; alerts that its trade opened are retracted, ended or not.
set exposure/remark=0
set rules/symbol_exposure/enabled=off
at 0
A buys 8000 X at 100 as E1
A buys 5000 X at 100 as E2
=> open HIGH HIGH_CLIENT_EXPOSURE A 1300000 @2
bust E2
=> retract HIGH HIGH_CLIENT_EXPOSURE A 800000 @3
A buys 4000 X at 100 as E4
=> open HIGH HIGH_CLIENT_EXPOSURE A 1200000 @4
A sells 4000 X at 100 as E5
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 800000 @5
# E4's alert has ended; its retract still comes
bust E4
=> retract HIGH HIGH_CLIENT_EXPOSURE A 400000 @6
# the bust of a sale lets the exposure grow: the bust itself opens the alert
A sells 4000 X at 100 as E7
A buys 9000 X at 100 as E8
bust E5
=> open HIGH HIGH_CLIENT_EXPOSURE A 1300000 @9
