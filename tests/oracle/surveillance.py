"""The judge itself: lines of the log in, events out, as RULES.md says."""

from datetime import datetime, timedelta, timezone

from amounts import SECOND, UNIT, Refused, cents_of
from book import Book
from episodes import (ANOMALY, CLIENT_EXPOSURE, LARGE_TRADE, SEVERITIES,
                      SYMBOL_EXPOSURE, VELOCITY, Alert, EventLog, Origin)
from settings import LIVE, floor
from tape import check
from windows import Statistic

COUNTED = 64    # trades that a velocity alert names


class Trade:
    """An accepted trade, as a later bust needs it."""

    __slots__ = ("seq", "symbol", "account", "signed_qty", "qty", "price",
                 "notional", "cents", "session")


class Surveillance:
    def __init__(self, settings, keep=None):
        self.settings = settings
        self.book = Book(settings)
        self.log = EventLog(keep)
        self.seq = 0
        self.clock = None           # event clock, ns
        self.session = None         # session day of the event clock
        self.zone = settings.zone()
        self.roll_seconds = settings.roll_seconds()
        self.remark_every = settings.whole("exposure/remark")
        self.statistics = {}        # key -> Statistic
        self.open = {VELOCITY: {}, ANOMALY: {}}     # keys with an open alert
        self.left = []              # Statistics with an open alert, of another anomaly key
        self.by_ref = {}            # (pub, id) -> unbusted trades, latest last
        self.origin = None          # of the last accepted line
        self.rejudge = False        # settings changed since the last tick
        self._read_live_settings()

    def _read_live_settings(self):
        settings = self.settings
        self.large_default = floor(settings.fraction("rules/large_trade/threshold") * UNIT)
        self.velocity_on = {kind: settings.choice(f"rules/velocity/{kind}") == "on"
                            for kind in ("client", "symbol")}
        self.medium = settings.fraction("rules/anomaly/medium")
        self.high = settings.fraction("rules/anomaly/high")
        self.minimum = settings.whole("rules/anomaly/minimum")
        self.quiet = settings.nanoseconds("rules/anomaly/quiet")
        self.anomaly_key = settings.choice("rules/anomaly/key")

    # Lines of the log

    def submit(self, row, pub, inc, pseq):
        """One submitted row; raises Refused, and then nothing has changed."""
        line = check(row)
        busted = self._referred(line, pub) if line.kind != "trade" else None
        self.seq += 1
        self.origin = Origin(self.seq, pub, inc, pseq, line.ts)
        self._advance(line.ts)
        trade = None if line.kind == "bust" else self._trade(line)
        if busted is not None:
            self._bust(busted, pub, line)
        if trade is not None:
            self._apply(trade, line.ts)
            if line.id is not None:
                self.by_ref.setdefault((pub, line.id), []).append(trade)
        self._judge_line(trade, busted)

    def control(self, record):
        """A control record, which follows the last accepted line."""
        if record["control"] == "clock":
            if self.origin is not None:     # before the first trade: nothing to do
                self._advance(record["ts"])
        elif record["control"] == "settings":
            self._change_settings(record["set"])
        else:
            raise ValueError(f"unknown control record {record['control']!r}")

    def _change_settings(self, changes):
        for key, value in changes.items():
            if key.partition("@")[0] not in LIVE:
                raise ValueError(f"{key} cannot change while the tape runs")
            self.settings.set(key, value)
        anomaly_key = self.anomaly_key
        self._read_live_settings()
        if self.anomaly_key != anomaly_key:
            self._leave_statistics()
        self.zone, self.roll_seconds = self.settings.zone(), self.settings.roll_seconds()
        if self.clock is not None:      # no roll by itself: the day that it is now, in the new zone, goes on
            self.session = self._session_day(self.clock // SECOND)
        for account in self.book.accounts.values():
            self._rebind(account, "client_exposure")
        for symbol in self.book.symbols.values():
            self._rebind(symbol, "symbol_exposure")
        self.rejudge = True

    def _rebind(self, party, rule):
        party.level.bind(self.settings.level_bounds(rule, party.name))
        party.velocity_level.bind(self.settings.level_bounds("velocity", party.name))

    # Time

    def _advance(self, ts):
        """Move the event clock to ts; tick first when a second is crossed."""
        if self.clock is None:
            self.session = self._session_day(ts // SECOND)
            self.clock = ts
        elif ts // SECOND > self.clock // SECOND:
            self._tick(ts // SECOND)
        self.clock = max(self.clock, ts)

    def _session_day(self, seconds):
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
        local = moment.astimezone(self.zone)
        since_midnight = local.hour * 3600 + local.minute * 60 + local.second
        return local.toordinal() - (since_midnight < self.roll_seconds)

    def _tick(self, second):
        """Session roll, re-marking, judging, at a whole second."""
        rolled = self._roll_session(second)
        accounts = self._remark(second)
        symbols = []
        if self.rejudge or (rolled and self.book.measure == "turnover"):
            accounts = list(self.book.accounts.values())
            symbols = list(self.book.symbols.values())
        origin = self.origin.at(second * SECOND)
        for account in in_order(accounts):
            self._judge_level(account.level, self.book.client_exposure(account), origin)
        for symbol in in_order(symbols):
            self._judge_level(symbol.level, self.book.symbol_exposure(symbol), origin)
        self._tick_velocity(second * SECOND, origin)
        self._tick_statistics(second * SECOND, origin)
        self.rejudge = False

    def _roll_session(self, second):
        day = self._session_day(second)
        if day <= self.session:
            return False
        self.session = day
        self.book.roll_session()
        return True

    def _remark(self, second):
        every = self.remark_every
        if not every or second // every == self.clock // SECOND // every:
            return []
        changed = self.book.remark()
        return [] if self.book.measure == "turnover" else self.book.eventful(changed)

    def _tick_velocity(self, time, origin):
        if self.rejudge:
            parties = self._velocity_parties(self.book.accounts.values(),
                                             self.book.symbols.values())
        else:
            parties = self.open[VELOCITY].values()
        for party in in_order(parties):
            self._judge_level(party.velocity_level, party.velocity.at(time), origin, party)

    def _velocity_parties(self, accounts, symbols):
        return ([a for a in accounts if self.velocity_on["client"]]
                + [s for s in symbols if self.velocity_on["symbol"]])

    def _tick_statistics(self, time, origin):
        if not self.open[ANOMALY] and not self.left:
            return
        ended = [key for key in self.left if key.alert is not None]
        ended += [key for key in self.open[ANOMALY].values() if time >= key.last_hit + self.quiet]
        self.left = []
        for key in sorted(ended, key=lambda k: (k.entity.encode(), k.entity_type)):
            self.log.write("resolve", key.alert, origin, 0, [origin.seq])
            self._close_statistic(key)

    # Trades

    def _trade(self, line):
        trade = Trade()
        trade.seq = self.seq
        trade.symbol = self.book.symbol(line.symbol)
        trade.account = None if line.account is None else self.book.account(line.account)
        trade.qty, trade.price, trade.notional = line.qty, line.price, line.notional
        trade.signed_qty = line.side * line.qty
        trade.cents = cents_of(line.notional)
        trade.session = self.session
        return trade

    def _apply(self, trade, ts):
        self.book.apply(trade)
        for party in self._velocity_keys(trade):
            party.velocity.enter(ts, trade.seq)
        statistic = self._statistic(trade)
        if statistic is not None:
            statistic.move(ts)

    def _velocity_keys(self, trade):
        return self._velocity_parties(
            [] if trade.account is None else [trade.account], [trade.symbol])

    def _statistic(self, trade):
        """The statistics key that a trade belongs to, or None."""
        if self.anomaly_key == "symbol":
            name = ("SYMBOL", trade.symbol.name)
        elif self.anomaly_key == "system":
            name = ("SYSTEM", "*")
        elif trade.account is None:
            return None
        else:
            name = ("CLIENT", f"{trade.account.name}/{trade.symbol.name}")
        found = self.statistics.get(name)
        if found is None:
            found = self.statistics[name] = Statistic(
                *name, self.settings.whole("rules/anomaly/window"))
        return found

    # Busts

    def _referred(self, line, pub):
        """The latest unbusted trade of that id from the same publisher."""
        candidates = self.by_ref.get((pub, line.ref)) if line.ref is not None else None
        if not candidates:
            raise Refused("unknown_ref")
        trade = candidates[-1]
        if line.kind == "bust":
            account = None if trade.account is None else trade.account.name
            if (line.symbol not in (None, trade.symbol.name)
                    or line.account not in (None, account)):
                raise Refused("ref_mismatch")
        return trade

    def _bust(self, trade, pub, line):
        """Take a trade back, move its keys' clocks, retract its alerts."""
        self.by_ref[pub, line.ref].pop()
        self.book.reverse(trade, trade.session == self.session)
        for party in self._velocity_keys(trade):
            party.velocity.move(line.ts)
            party.velocity.lose(trade.seq)
        statistic = self._statistic(trade)
        if statistic is not None:
            statistic.move(line.ts)
            statistic.lose(trade.seq)
        alerts = self.log.by_opening.pop(trade.seq, [])
        for alert in sorted(alerts, key=lambda a: (a.rule, a.entity.encode(), a.entity_type)):
            self._retract(alert)

    def _retract(self, alert):
        self.log.write("retract", alert, self.origin, self._value_now(alert), [self.seq])
        if alert.rule == ANOMALY:
            if alert.key.alert is alert:
                self._close_statistic(alert.key)
        elif alert.rule == VELOCITY:
            if alert.key.velocity_level.alert is alert:
                alert.key.velocity_level.changed(None)
                self.open[VELOCITY].pop(alert.key, None)
        elif alert.rule != LARGE_TRADE and alert.key.alert is alert:
            alert.key.changed(None)

    def _value_now(self, alert):
        """A retract's value: levels as they stand after the reversal."""
        if alert.rule == CLIENT_EXPOSURE:
            return self.book.client_exposure(self.book.accounts[alert.entity])
        if alert.rule == SYMBOL_EXPOSURE:
            return self.book.symbol_exposure(self.book.symbols[alert.entity])
        if alert.rule == VELOCITY:
            return alert.key.velocity.at(alert.key.velocity.clock)
        return alert.value

    # Judging after a line

    def _judge_line(self, trade, busted):
        """In table order, every key once, keys by entity in byte order."""
        touched = [t for t in (busted, trade) if t is not None]
        if trade is not None:
            self._judge_size(trade)
        for account in in_order({t.account for t in touched} - {None}):
            self._judge_level(account.level, self.book.client_exposure(account),
                              self.origin, account)
        for symbol in in_order({t.symbol for t in touched}):
            self._judge_level(symbol.level, self.book.symbol_exposure(symbol),
                              self.origin, symbol)
        counted = {party for t in touched for party in self._velocity_keys(t)}
        for party in in_order(counted):
            self._judge_level(party.velocity_level,
                              party.velocity.at(party.velocity.clock),
                              self.origin, party)
        if trade is not None:
            self._judge_statistic(trade)

    def _judge_size(self, trade):
        own = f"rules/large_trade/threshold@{trade.symbol.name}"
        bound = self.large_default
        if own in self.settings.text:
            bound = floor(self.settings.fraction(own) * UNIT)
        if trade.qty > bound:
            origin = self.origin
            entity = f"{origin.pub}/{origin.inc}/{origin.pseq}"
            alert = Alert(LARGE_TRADE, "TRADE", entity, "HIGH", origin, None, trade.qty)
            self.log.write("fire", alert, origin, trade.qty, [trade.seq])

    def _judge_level(self, level, value, origin, party=None):
        """Judge one key once; `party` is whose key it is (a tick may omit it)."""
        verdict = level.judge(value)
        if verdict is None:
            return
        event, severity = verdict
        if event == "open":
            owner = party if level.rule == VELOCITY else level
            alert = Alert(level.rule, level.entity_type, level.entity, severity,
                          origin, owner, value)
        else:
            alert = level.alert
            alert.severity = severity
        trades, count = self._evidence(level, event, origin, party)
        self.log.write(event, alert, origin, value, trades, count)
        level.changed(None if event == "resolve" else alert)
        if level.rule == VELOCITY:
            self._note_open(party, event)

    def _note_open(self, party, event):
        if event == "open":
            self.open[VELOCITY][party] = party
        elif event == "resolve":
            self.open[VELOCITY].pop(party, None)

    def _evidence(self, level, event, origin, party):
        """(trades the record names, how many there are if more)."""
        if origin is not self.origin or event == "resolve" or party is None:
            return [origin.seq], None
        if level.rule == VELOCITY:
            counted, clock = party.velocity, party.velocity.clock
            return counted.latest(clock, COUNTED), counted.at(clock)
        return list(party.latest), None

    def _judge_statistic(self, trade):
        key = self._statistic(trade)
        if key is None:
            return
        x = trade.cents
        if key.exceeds(x, self.medium, self.minimum):
            severity = "HIGH" if key.exceeds(x, self.high, self.minimum) else "MEDIUM"
            self._hit(key, severity, x)
        key.enter(x, trade.seq)

    def _hit(self, key, severity, x):
        key.last_hit = key.clock
        if key.alert is None:
            key.alert = Alert(ANOMALY, key.entity_type, key.entity, severity,
                              self.origin, key, x)
            self.open[ANOMALY][key] = key
            event = "open"
        elif SEVERITIES.index(severity) > SEVERITIES.index(key.alert.severity):
            key.alert.severity = severity
            event = "escalate"
        else:
            return
        self.log.write(event, key.alert, self.origin, x, [self.seq],
                       features=key.features(x) if self.log.keep else None)

    def _leave_statistics(self):
        """Statistics are by other keys now, and begin anew; the next tick ends what is open."""
        self.left += self.open[ANOMALY].values()
        self.open[ANOMALY] = {}
        self.statistics = {}

    def _close_statistic(self, key):
        key.alert = None
        self.open[ANOMALY].pop(key, None)


def in_order(parties):
    """Accounts or symbols by name in byte order."""
    parties = list(parties)
    if len(parties) > 1:
        parties.sort(key=lambda p: (p.name.encode(), p.level.entity_type))
    return parties
