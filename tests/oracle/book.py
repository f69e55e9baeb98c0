"""Positions, marks and exposures of accounts and symbols."""

from collections import deque

from amounts import UNIT, capped, half_even
from episodes import CLIENT_EXPOSURE, SYMBOL_EXPOSURE, VELOCITY, LevelKey
from windows import RollingCount

LATEST = 16     # trades that an exposure alert names


class Holding:
    """One account in one symbol: position, its own mark m, the rounded term."""

    __slots__ = ("account", "pos", "weight", "mark", "term")

    def __init__(self, account):
        self.account = account
        self.pos = self.weight = self.mark = self.term = 0


class Party:
    """What accounts and symbols have in common."""

    def __init__(self, name, level, width):
        self.name = name
        self.level = level
        self.turnover = 0
        self.latest = deque(maxlen=LATEST)
        self.velocity = RollingCount(width)
        self.velocity_level = None


class Account(Party):
    def __init__(self, name, level, width):
        super().__init__(name, level, width)
        self.total = 0          # sum of the terms, as the measure signs them


class Symbol(Party):
    def __init__(self, name, level, width):
        super().__init__(name, level, width)
        self.mark = 0
        self.held = 0           # sum over accounts of |pos|
        self.net = 0            # sum over accounts of pos
        self.holdings = {}      # Account -> Holding
        self.remarked = 0       # mark at the last re-marking
        self.strays = {}        # holdings shifted since then: m may differ


class Book:
    def __init__(self, settings):
        self.settings = settings
        self.measure = settings.choice("exposure/measure")
        self.width = settings.nanoseconds("rules/velocity/window")
        self.accounts, self.symbols = {}, {}
        self.traded = set()     # symbols traded since the last re-marking

    def account(self, name):
        found = self.accounts.get(name)
        if found is None:
            level = LevelKey(CLIENT_EXPOSURE, "CLIENT", name,
                             self.settings.level_bounds("client_exposure", name))
            found = self.accounts[name] = Account(name, level, self.width)
            found.velocity_level = self._velocity_level("CLIENT", name)
        return found

    def symbol(self, name):
        found = self.symbols.get(name)
        if found is None:
            level = LevelKey(SYMBOL_EXPOSURE, "SYMBOL", name,
                             self.settings.level_bounds("symbol_exposure", name))
            found = self.symbols[name] = Symbol(name, level, self.width)
            found.velocity_level = self._velocity_level("SYMBOL", name)
        return found

    def _velocity_level(self, entity_type, name):
        return LevelKey(VELOCITY, entity_type, name,
                        self.settings.level_bounds("velocity", name))

    # A trade and its reversal

    def apply(self, trade):
        symbol, account = trade.symbol, trade.account
        symbol.mark = trade.price
        symbol.turnover += trade.notional
        symbol.latest.append(trade.seq)
        self.traded.add(symbol)
        if account is not None:
            account.turnover += trade.notional
            account.latest.append(trade.seq)
            holding = self._shift(symbol, account, trade.signed_qty)
            holding.mark = trade.price
            self._revalue(holding)

    def reverse(self, trade, same_session):
        """Position and turnover go back; marks stay."""
        symbol, account = trade.symbol, trade.account
        for party in (symbol, account):
            if party is not None:
                if same_session:
                    party.turnover -= trade.notional
                if trade.seq in party.latest:
                    party.latest.remove(trade.seq)
        if account is not None:
            self._revalue(self._shift(symbol, account, -trade.signed_qty))

    def _shift(self, symbol, account, signed_qty):
        holding = symbol.holdings.get(account)
        if holding is None:
            holding = symbol.holdings[account] = Holding(account)
        symbol.held -= abs(holding.pos)
        holding.pos += signed_qty
        symbol.held += abs(holding.pos)
        symbol.net += signed_qty
        holding.weight = holding.pos if self.measure == "net" else abs(holding.pos)
        symbol.strays[account] = holding
        return holding

    def _revalue(self, holding):
        term = half_even(holding.weight * holding.mark, UNIT)
        holding.account.total += term - holding.term
        holding.term = term

    # Ticks

    def remark(self):
        """m becomes mark for all holders; the accounts whose value changed."""
        before = {}
        for symbol in self.traded:
            moved = symbol.mark != symbol.remarked
            holdings = symbol.holdings if moved else symbol.strays
            self._remark_holdings(holdings, symbol.mark, before)
            symbol.remarked = symbol.mark
            symbol.strays = {}
        self.traded.clear()
        return [a for a, total in before.items() if a.total != total]

    @staticmethod
    def _remark_holdings(holdings, mark, before):
        for account, holding in holdings.items():
            weight = holding.weight
            if holding.mark == mark or not weight:
                continue
            holding.mark = mark
            term, rest = divmod(weight * mark, UNIT)
            if rest:
                term = half_even(weight * mark, UNIT)
            if account not in before:
                before[account] = account.total
            account.total += term - holding.term
            holding.term = term

    def roll_session(self):
        for party in (*self.accounts.values(), *self.symbols.values()):
            party.turnover = 0

    @staticmethod
    def eventful(accounts):
        """Those re-marked accounts that judging would not pass over."""
        return [a for a in accounts
                if not a.level.low < abs(a.total) <= a.level.high]

    # Values that are judged

    def client_exposure(self, account):
        if self.measure == "turnover":
            return capped(account.turnover)
        return capped(abs(account.total))

    def symbol_exposure(self, symbol):
        if self.measure == "turnover":
            return capped(symbol.turnover)
        if self.measure == "net":
            return capped(abs(half_even(symbol.net * symbol.mark, UNIT)))
        return capped(half_even(symbol.held * symbol.mark, UNIT))
