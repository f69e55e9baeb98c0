# A late trade counts at its key's clock, sets marks like any other, and makes no tick.
set rules/client_exposure/enabled=off
set exposure/remark=0
at 10
A buys 100 X at 100
at 5
# late: X's mark becomes 6,000 all the same, and its exposure 100 x 6,000
print 1 X at 6000
=> open HIGH HIGH_SYMBOL_EXPOSURE X 600000 @2
print 1 X at 4500
=> resolve HIGH HIGH_SYMBOL_EXPOSURE X 450000 @3
