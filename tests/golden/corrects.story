# A correct is a bust and the new trade at one sequence; each touched key is judged once.
set exposure/remark=0
set rules/client_exposure/enabled=off
at 0
A buys 6000 X at 100 as E1
=> open HIGH HIGH_SYMBOL_EXPOSURE X 600000 @1
correct E1: A buys 6000 Y at 100 as E1
=> retract HIGH HIGH_SYMBOL_EXPOSURE X 0 @2
=> open HIGH HIGH_SYMBOL_EXPOSURE Y 600000 @2
# E1 is now the corrected trade; busting it empties Y
bust E1
=> retract HIGH HIGH_SYMBOL_EXPOSURE Y 0 @3
refused bust E1 : unknown_ref
