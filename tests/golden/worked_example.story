# RULES.md's worked example: thresholds default, remark 0, four events.
set exposure/remark=0
at 0
A buys 4000 X at 150
=> open HIGH HIGH_SYMBOL_EXPOSURE X 600000 @1
A buys 3000 X at 150
=> open HIGH HIGH_CLIENT_EXPOSURE A 1050000 @2
=> escalate CRITICAL HIGH_SYMBOL_EXPOSURE X 1050000 @2
A sells 1000 X at 150
=> resolve HIGH HIGH_CLIENT_EXPOSURE A 900000 @3
