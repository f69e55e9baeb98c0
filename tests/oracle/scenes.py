"""Scenes: short runs of trades, each of which tells two readings apart.

A scene takes the tape under construction and adds to it.  Amounts are whole
integers of 1e-8 until they are printed.
"""

SECOND = 10 ** 9
UNIT = 10 ** 8
TIER_CLIENT = 1_000_000 * UNIT
TIER_SYMBOL = 500_000 * UNIT

CROWD = ("A", "Acme", "X", "Zoë & Co", "Ärger", "株式", "a b")     # X is a symbol's name, too
BOARD = ("X", "Y", "ZZ", "aa")


def crowd_trade(tape, symbol, account, ts=None):
    """One trade of the crowd, leaning back to flat so that levels come and go."""
    held = tape.positions.get((account, symbol), 0)
    side, qty = tape.pick("BS"), tape.round_lot()
    if account is None:
        side = tape.pick(("", "B", "S"))
    elif held and tape.chance(0.6):
        side = "S" if held > 0 else "B"
        qty = abs(held) if tape.chance(0.5) else qty
    tape.trade(symbol, side, qty, tape.near_price(), account, ts=ts)


def ordinary(tape):
    """A few trades of the crowd, sized so that default tiers are in reach."""
    for _ in range(tape.random.randint(1, 6)):
        tape.step()
        crowd_trade(tape, tape.pick(BOARD), tape.pick(CROWD))


def prints(tape):
    """Market prints between an account's trades move its mark, not its m."""
    symbol = tape.pick(BOARD)
    for _ in range(tape.random.randint(2, 5)):
        tape.step()
        crowd_trade(tape, symbol, tape.pick(CROWD + (None,) * 4))


def late(tape):
    """Trades behind the event clock, and behind their own keys' clocks."""
    now = tape.now
    account = tape.pick(CROWD)
    for _ in range(tape.random.randint(2, 7)):
        back = tape.pick((0, 1, SECOND, 59 * SECOND, 60 * SECOND, 61 * SECOND,
                          tape.random.randrange(90 * SECOND)))
        crowd_trade(tape, tape.pick(BOARD), account, ts=now - back)
    tape.step()


def on_the_second(tape):
    """Exactly on a second, one ns before it, one ns after it."""
    edge = (tape.now // SECOND + tape.random.randint(1, 3)) * SECOND
    for ts in sorted(edge + tape.pick((-1, 0, 1)) for _ in range(tape.random.randint(2, 5))):
        tape.now = max(tape.now, ts)
        crowd_trade(tape, tape.pick(BOARD), tape.pick(CROWD + (None,)))


def dust(tape):
    """Quantities and prices down to 1e-8."""
    for _ in range(tape.random.randint(2, 6)):
        tape.step()
        qty = tape.pick((1, 3, 7, 12345678, tape.random.randrange(1, 10 ** 13)))
        price = tape.pick((1, 5, 33333333, tape.random.randrange(1, 10 ** 11)))
        tape.trade(tape.pick(("dust", "X")), tape.pick("BS"), qty, price, tape.pick(CROWD))


def rounding_ties(tape):
    """Terms that end in half a unit, an account one unit around its tier."""
    account = tape.fresh("tie")
    start = tape.pick((0, 1, 2, 3))
    tape.step()
    tape.trade(tape.fresh("base"), "B", TIER_CLIENT - start, UNIT, account)
    for _ in range(tape.random.randint(1, 4)):
        tape.step(quiet=True)
        tape.trade(tape.fresh("half"), tape.pick("BS"), tape.pick((1, 3, 5, 7, 9)),
                   UNIT // 2, account)


def cent_ties(tape):
    """Notionals that end in half a cent, in one symbol's statistics."""
    symbol = tape.fresh("cent")
    for _ in range(tape.random.randint(31, 60)):
        tape.step(quiet=True)
        tape.trade(symbol, "", tape.random.randint(1, 9) * UNIT, UNIT // 8, None)
    tape.trade(symbol, "", 21 * UNIT, UNIT // 8, None)


def exact_tiers(tape):
    """An account and a symbol at, below and one unit above tier and re-arm."""
    tier = tape.pick((TIER_CLIENT, TIER_SYMBOL))
    account, symbol, held = tape.fresh("tier"), tape.fresh("T"), 0
    price = tape.pick((UNIT, 2 * UNIT, UNIT // 2))
    for _ in range(tape.random.randint(3, 8)):
        target = tape.pick((tier, tier * 3 // 2, tier * 9 // 10, tier // 2))
        target = target * UNIT // price + tape.pick((-1, 0, 0, 1, 2))
        target *= tape.pick((1, 1, 1, -1))
        if target == held:
            continue
        tape.step()
        tape.trade(symbol, "B" if target > held else "S", abs(target - held), price, account)
        held = target


def large(tape):
    """At, below and above 10,000 units."""
    for qty in (10_000 * UNIT, 10_000 * UNIT + 1, 10_000 * UNIT - 1):
        tape.step()
        tape.trade(tape.pick(BOARD), tape.pick("BS"), qty, tape.random.randint(1, 9) * UNIT,
                   tape.pick(CROWD + (None,)))


def rate_edges(tape):
    """Ten trades, the eleventh around the open end of the window."""
    account, first = tape.fresh("rate"), tape.now + SECOND
    symbol = tape.pick(BOARD)
    count = tape.random.randint(9, 12)
    times = [first + i * tape.pick((0, 1, SECOND // 2)) for i in range(count)]
    times.append(first + 60 * SECOND + tape.pick((-1, 0, 1)))
    for ts in sorted(times):
        tape.now = max(tape.now, ts)
        tape.trade(symbol, tape.pick("BS"), UNIT, 10 * UNIT, account, ts=ts)
    edge = tape.now // SECOND * SECOND + tape.pick((59, 60, 61)) * SECOND
    tape.now = max(tape.now, edge + tape.pick((0, 1)))
    tape.trade(symbol, "", UNIT, 10 * UNIT, None)
    if tape.chance(0.5):        # late, at the key's own clock
        tape.trade(symbol, "B", UNIT, 10 * UNIT, account, ts=tape.now - 30 * SECOND)


def z_edges(tape):
    """A window m +- d, then x at m + k d and one cent around it."""
    symbol, cent = tape.fresh("Z"), UNIT // 100
    spread = tape.pick((0, 1, 2, 30, 300, 900))
    middle = 5 * spread + tape.random.randint(500, 5000)
    count = tape.pick((29, 30, 30, 30, 32, 32, 100, 104))
    for i in range(count):
        tape.step(quiet=True)
        cents = middle + (spread if i % 2 else -spread)
        tape.trade(symbol, "", UNIT, cents * cent, None)
    for _ in range(tape.random.randint(1, 4)):
        x = middle + tape.pick((3, 4)) * spread * tape.pick((1, -1)) + tape.pick((-1, 0, 1))
        tape.step(quiet=tape.chance(0.7))
        tape.trade(symbol, "", UNIT, max(1, x) * cent, None)
    quiet_after(tape)


def hits_in_a_row(tape):
    """The quiet minute runs from the last hit, escalating or not."""
    symbol, step = tape.fresh("H"), tape.pick((10, 30, 59))
    for i in range(34):
        tape.step(quiet=True)
        tape.trade(symbol, "", UNIT, (1000 + i % 2) * UNIT // 100, None)
    for cents in tape.pick(((1003, 1010, 1020), (1003, 1004, 1004), (1090, 1300, 2000))):
        tape.trade(symbol, "", UNIT, cents * UNIT // 100, None,
                   ts=tape.now - tape.pick((0, 0, 5 * SECOND)))
        tape.now += step * SECOND
    for _ in range(6):
        tape.now += tape.pick((1, 10, 20)) * SECOND
        tape.trade(symbol, "", UNIT, 10 * UNIT, None)


def quiet_after(tape):
    """A tick just before, at, or after the quiet minute, or much later."""
    pause = tape.pick((58, 59, 60, 61, 3600))
    tape.now = (tape.now // SECOND + pause) * SECOND + tape.pick((0, 1, SECOND - 1))
    tape.trade(tape.pick(BOARD), "", UNIT, tape.near_price(), None)


def midnight(tape):
    """Trades around the session roll, late ones among them."""
    day = 86400 * SECOND
    edge = (tape.now // day + 1) * day
    account = tape.pick(CROWD)
    offsets = sorted(tape.random.randrange(-3 * SECOND, 3 * SECOND) for _ in range(4))
    for offset in offsets + [tape.pick((0, SECOND)) + 3 * SECOND]:
        tape.now = max(tape.now, edge + offset)
        back = tape.pick((0, 0, 0, 5 * SECOND))
        crowd_trade(tape, tape.pick(BOARD), account, ts=tape.now - back)
    if tape.chance(0.6):
        tape.bust(tape.pick(tape.recent[-5:]))


# Busts and corrections


def bust_recent(tape):
    ordinary(tape)
    tape.step()
    tape.bust(tape.pick(tape.recent[-30:]))


def bust_late(tape):
    """A bust whose own time lies behind."""
    ordinary(tape)
    tape.bust(tape.pick(tape.recent[-10:]), ts=tape.now - tape.pick((1, 30, 70)) * SECOND)


def bust_opener(tape):
    """Open by own trade; maybe resolve, maybe open again; bust the opener."""
    account, symbol = tape.fresh("open"), tape.fresh("O")
    tape.step()
    opener = tape.trade(symbol, "B", tape.pick((5_000, 11_000, 16_000)) * UNIT, 100 * UNIT, account)
    for side, lots in (("S", 2_000), ("B", 3_000), ("S", 9_000), ("B", 12_000)):
        if tape.chance(0.5):
            tape.step()
            tape.trade(symbol, side, lots * UNIT, 100 * UNIT, account)
    tape.step()
    tape.bust(opener)


def bust_seller(tape):
    """A bust that raises exposure: the bust itself opens or escalates."""
    account, symbol = tape.fresh("sell"), tape.fresh("S")
    tape.step()
    tape.trade(symbol, "B", tape.pick((9_000, 12_000, 16_000)) * UNIT, 100 * UNIT, account)
    tape.step()
    seller = tape.trade(symbol, "S", tape.pick((4_000, 9_000)) * UNIT, 100 * UNIT, account)
    tape.step()
    tape.trade(symbol, "", UNIT, tape.pick((90, 100, 125)) * UNIT, None)
    tape.step()
    tape.bust(seller)


def bust_crossing(tape):
    """A tick opens an alert; the trade that crossed is then busted."""
    holder, symbol = tape.fresh("hold"), tape.fresh("C")
    tape.step()
    tape.trade(symbol, "B", 9_900 * UNIT, 100 * UNIT, holder)
    tape.trade(symbol, "", UNIT, tape.pick((102, 160)) * UNIT, None)
    tape.now = (tape.now // SECOND + 1) * SECOND + tape.pick((0, 5))
    crossing = tape.trade(tape.pick((symbol, "X")), "B", UNIT, tape.pick((90, 101)) * UNIT,
                          tape.pick((holder, "A", None)))
    if tape.chance(0.5):        # the tick's alert resolves in another tick
        tape.trade(symbol, "", UNIT, 80 * UNIT, None)
        tape.now += 2 * SECOND
        tape.trade("X", "", UNIT, tape.near_price(), None)
    tape.step()
    tape.bust(crossing)


def bust_flat(tape):
    """A flat account is not re-marked; a bust brings its position back."""
    account, symbol = tape.fresh("flat"), tape.fresh("F")
    tape.step()
    tape.trade(symbol, "B", 9_000 * UNIT, 100 * UNIT, account)
    out = tape.trade(symbol, "S", 9_000 * UNIT, 105 * UNIT, account)
    tape.trade(symbol, "", UNIT, tape.pick((100, 112, 170)) * UNIT, None)
    for after in ("X", "X", symbol, "X"):
        tape.now += SECOND * 3 // 2
        tape.trade(after, "", UNIT, tape.pick((100, 130)) * UNIT, None)
        if tape.chance(0.5) and out:
            tape.bust(out)
            out = None


def bust_rate(tape):
    """A bust of the trade that opened a velocity alert, or of a counted one."""
    account, trades = tape.fresh("fast"), []
    for _ in range(tape.random.randint(11, 13)):
        tape.now += tape.pick((0, 1, SECOND))
        trades.append(tape.trade("X", "B", UNIT, 10 * UNIT, account))
    for _ in range(tape.random.randint(1, 4)):
        tape.now += tape.pick((1, SECOND, 50 * SECOND))
        if trades:
            tape.bust(trades.pop(tape.pick((0, -1, min(10, len(trades) - 1)))))


def bust_statistic(tape):
    """Busts of the hit, of a later hit, and of trades in or out of the window."""
    symbol, trades = tape.fresh("W"), []
    for i in range(tape.pick((31, 60, 101, 130))):
        tape.step(quiet=True)
        trades.append(tape.trade(symbol, "", UNIT, (1000 + i % 7) * 10 ** 6, None))
    hits = [tape.trade(symbol, "", UNIT, cents * 10 ** 6, None)
            for cents in (1_011, 1_015, 9_000)[:tape.random.randint(1, 3)]]
    for _ in range(tape.random.randint(1, 4)):
        tape.step(quiet=True)
        pool = hits if hits and tape.chance(0.5) else trades
        tape.bust(pool.pop(tape.random.randrange(len(pool))))
    tape.trade(symbol, "", UNIT, tape.pick((1_010, 1_012, 2_000)) * 10 ** 6, None)


def bust_large(tape):
    tape.step()
    block = tape.trade(tape.pick(BOARD), tape.pick(("B", "S")), 10_001 * UNIT, UNIT, tape.pick(CROWD))
    tape.step()
    tape.bust(block)


def bust_reused(tape):
    """The same id twice; the latest unbusted goes first; a third bust fails."""
    name = tape.fresh("id")
    for _ in range(2):
        tape.step()
        trade = tape.trade(tape.pick(BOARD), tape.pick("BS"), tape.round_lot(),
                           tape.near_price(), tape.pick(CROWD), id=name)
    for _ in range(3):
        tape.step()
        tape.row(kind="bust", ref=name)
    if tape.chance(0.3):
        tape.row(kind="bust", ref=trade["id"], id=name + "b")
        tape.row(kind="bust", ref=name + "b")


def bust_refused(tape):
    """Unknown references and mismatches: refused, they move nothing."""
    tape.step()
    later = tape.now + 5 * SECOND
    tape.row(kind="bust", ref="nobody", ts=later)
    tape.row(kind="bust", ts=later)
    if tape.recent:
        tape.row(kind="bust", ref=tape.recent[-1]["id"], symbol="OTHER", ts=later)


def bust_old(tape):
    """Of a trade long gone from every window, maybe from another session."""
    if len(tape.recent) > 5:
        tape.step()
        tape.bust(tape.pick(tape.recent[:len(tape.recent) // 2]))


def correct_some(tape):
    """Another symbol, account, side, size or price; then maybe bust it."""
    ordinary(tape)
    tape.step()
    original = tape.pick(tape.recent[-20:])
    terms = {name: original[name] for name in ("symbol", "side", "qty", "price", "account")}
    for name, other in (("symbol", tape.pick(BOARD)), ("account", tape.pick(CROWD)),
                        ("side", tape.pick("BS")), ("qty", tape.round_lot()),
                        ("price", tape.near_price())):
        if tape.chance(0.4):
            terms[name] = other
    if terms["account"] and not terms["side"]:
        terms["side"] = "B"
    corrected = tape.correct(original, **terms)
    if tape.chance(0.4):
        tape.step()
        tape.bust(corrected)
    if tape.chance(0.2):        # the original is no longer there
        tape.bust(original)


def correct_opener(tape):
    """Correct the trade that opened; the new one opens again, or not."""
    account, symbol = tape.fresh("corr"), tape.fresh("K")
    tape.step()
    opener = tape.trade(symbol, "B", 11_000 * UNIT, 100 * UNIT, account)
    if tape.chance(0.5):
        tape.trade(symbol, "B", 4_500 * UNIT, 100 * UNIT, account)
    tape.step()
    again = tape.correct(opener, symbol=tape.pick((symbol, "X")), side=tape.pick("BS"),
                         qty=tape.pick((1, 9_000, 10_001, 16_000)) * UNIT, price=100 * UNIT,
                         account=tape.pick((account, account, "A")))
    if tape.chance(0.5):
        tape.step()
        tape.bust(again)


# Refusals


def malformed(tape):
    """Lines that must be refused and must move nothing."""
    tape.step()
    good = {"symbol": "X", "side": "B", "qty": "1", "price": "10", "account": "A",
            "ts": tape.now + 3 * SECOND}
    faults = ({"qty": "0"}, {"qty": "-1"}, {"price": "0.000000001"}, {"price": "1e3"},
              {"qty": "+1"}, {"qty": ""}, {"price": ".5"}, {"qty": "5."}, {"side": ""},
              {"side": "X"}, {"symbol": ""}, {"symbol": "A B"}, {"symbol": "x" * 33},
              {"ts": 1}, {"ts": 631151999999999999}, {"account": "a" * 33},
              {"account": "é" * 17}, {"kind": "cancel"},
              {"qty": "92233720368", "price": "92233720368"}, {"qty": "92233720369"},
              {"qty": "92233720368.54775808"}, {"qty": "100000000", "price": "1000"})
    for _ in range(tape.random.randint(1, 4)):
        tape.row(**{**good, **tape.pick(faults)})
