# While nothing comes the gateway's clock records tick: episodes end.
set rules/symbol_exposure/enabled=off
set rules/client_exposure/enabled=off
set rules/velocity/threshold=2
set rules/velocity/window=10
at 0.25
A buys 1 X at 1
A buys 1 X at 1
A buys 1 X at 1
=> open HIGH HIGH_TRANSACTION_VELOCITY A 3 @3
quiet until 9
quiet until 12
=> resolve HIGH HIGH_TRANSACTION_VELOCITY A 0 @3
