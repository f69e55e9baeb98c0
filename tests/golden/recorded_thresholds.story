# A record's threshold is the one that decided: the symbol's own, and the first tier where the second is there no more.
set exposure/remark=0
set rules/large_trade/threshold@X=5
set rules/client_exposure/threshold=1000
set rules/symbol_exposure/threshold=1000
at 0
A buys 6 X at 10 as E1
=> fire HIGH LARGE_TRADE story/0/1 6 above 5
A buys 200 Y at 10 as E2
=> open CRITICAL HIGH_CLIENT_EXPOSURE A 2060 above 1500
=> open CRITICAL HIGH_SYMBOL_EXPOSURE Y 2000 above 1500
bust E1
=> retract HIGH LARGE_TRADE story/0/1 6 above 5
C buys 160 Z at 10
=> open CRITICAL HIGH_CLIENT_EXPOSURE C 1600 above 1500
=> open CRITICAL HIGH_SYMBOL_EXPOSURE Z 1600 above 1500
restart with rules/client_exposure/critical=0
restart with rules/symbol_exposure/critical=0
bust E2
=> retract CRITICAL HIGH_CLIENT_EXPOSURE A 0 above 1000
=> retract CRITICAL HIGH_SYMBOL_EXPOSURE Y 0 above 1000
C sells 160 Z at 10
=> resolve CRITICAL HIGH_CLIENT_EXPOSURE C 0 above 1000
=> resolve CRITICAL HIGH_SYMBOL_EXPOSURE Z 0 above 1000
