"""A backtest as a person would do it on paper: plain Python, exact decimals, no speed. Written from docs/research.md.

The numbers in the comments are those of "How a bar is traded" there. It knows nothing of the kernel.
"""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from itertools import pairwise

from models.sizing import SizingLimits, SizingMethod
from research.bars import Bars
from research.result import Left, Unfilled
from research.settings import AtEnd, BacktestSettings
from research.signals import Signals
from rules.sizing import size_entry
from rules.volatility import volatility

ROUNDING = Decimal("1e-9")


@dataclass(frozen=True)
class Bar:
    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True)
class Trade:
    symbol: int
    side: int
    entry_bar: int
    entry_price: Decimal
    exit_bar: int
    exit_price: Decimal
    quantity: Decimal
    fees: Decimal
    pnl: Decimal
    reason: Left
    open: bool


@dataclass
class Market:
    bars: list[Bar]
    entries: list[int]
    exits: list[int]  # 1: of a long position, 2: of a short one, 3: of either
    finer: list[Bar]
    step: int
    at: int = -1  # the newest bar
    mark: Decimal = Decimal(0)
    leaving: bool = False


@dataclass
class Holding:
    side: int
    quantity: Decimal
    price: Decimal
    amount: Decimal
    fee: Decimal
    bar: int
    time: int
    peak: Decimal

    def worth(self, price: Decimal) -> Decimal:
        return self.amount + self.side * self.quantity * (price - self.price)


@dataclass
class Book:
    cash: Decimal
    held: dict[int, Holding] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)


class Reference:
    """Trade markets; `book` is what came of it."""

    def __init__(
        self,
        markets: list[tuple[Bars, Signals]],
        settings: BacktestSettings,
        finer: dict[str, Bars] | None = None,
    ) -> None:
        with localcontext(prec=60):
            self.settings = settings
            self.markets = [
                Market(_bars(b), s.entry.tolist(), s.exit.tolist(), _bars((finer or {}).get(b.symbol)), b.step_seconds)
                for b, s in markets
            ]
            self.fee, self.slippage = _exact(settings.fee_fraction), _exact(settings.slippage_fraction)
            self.least = max(_exact(settings.minimum_quote), _exact(settings.initial_cash) / 10**9)
            self.book = Book(_exact(settings.initial_cash))
            self.times = sorted({bar.time for market in self.markets for bar in market.bars})
            for row, now in enumerate(self.times):
                self._bar(row, now)
            self._end()

    def _bar(self, row: int, now: int) -> None:
        due = []
        for s, market in enumerate(self.markets):
            if market.at + 1 < len(market.bars) and market.bars[market.at + 1].time == now:
                market.at += 1
                market.mark = market.bars[market.at].open
                due.append(s)
        tradable = [s for s in due if self._tradable(self.markets[s].bars[self.markets[s].at])]
        for s in due:  # 5
            self._exit_at_open(s, row, now, s in tradable)
        equity = self._equity()
        for s in due:  # 6
            self._enter_at_open(s, row, now, equity, s in tradable)
        for s in tradable:  # 9
            if s in self.book.held:
                self._through(s, row)
        for s in due:
            self.markets[s].mark = self.markets[s].bars[self.markets[s].at].close
        self.book.equity.append(self._equity())  # 3

    def _tradable(self, bar: Bar) -> bool:
        return bar.volume > 0 or self.settings.fills_without_volume

    def _equity(self) -> Decimal:
        return self.book.cash + sum(h.worth(self.markets[s].mark) for s, h in self.book.held.items())

    def _exit_at_open(self, s: int, row: int, now: int, tradable: bool) -> None:
        market, holding = self.markets[s], self.book.held.get(s)
        if holding is None:
            return
        before = market.at - 1
        if market.exits[before] in (3, 1 if holding.side > 0 else 2) or market.entries[before] == -holding.side:
            market.leaving = True
        if not tradable:
            return
        price = market.bars[market.at].open
        hold = self.settings.limits.longest_hold_seconds
        reason = self._at_a_point(holding, price, _best(holding, price))
        if reason is None and hold is not None and now - holding.time > hold:  # 13
            reason = Left.TIME_LIMIT
        if reason is None and market.leaving:
            reason = Left.SIGNAL
        if reason is not None:
            self._leave(s, row, price, reason)

    def _enter_at_open(self, s: int, row: int, now: int, equity: Decimal, tradable: bool) -> None:
        market = self.markets[s]
        entry = market.entries[market.at - 1] if market.at else 0  # 4
        if entry and (s not in self.book.held or self.book.held[s].side != entry):
            if not tradable:  # 15
                self.book.counts[Unfilled.NO_VOLUME] += 1
            elif s not in self.book.held:
                self._enter(s, entry, row, now, equity)

    def _enter(self, s: int, side: int, row: int, now: int, equity: Decimal) -> None:
        settings, book, market = self.settings, self.book, self.markets[s]
        payable = book.cash / (1 + self.fee)
        if len(book.held) >= settings.max_positions:  # 8
            book.counts[Unfilled.CAP_REACHED] += 1
        elif side < 0 and not settings.allow_short:
            book.counts[Unfilled.SHORT_NOT_ALLOWED] += 1
        elif payable < self.least or equity <= 0:
            book.counts[Unfilled.NO_CASH] += 1
        elif (wanted := self._wanted(market, equity)) < self.least:
            book.counts[Unfilled.TOO_SMALL] += 1
        else:
            book.counts["cut"] += wanted > payable * (1 + ROUNDING)
            amount = min(wanted, payable)
            price = market.mark * (1 + side * self.slippage)  # 1
            book.held[s] = Holding(side, amount / price, price, amount, amount * self.fee, row, now, price)
            book.cash -= amount + amount * self.fee  # 2
            market.leaving = False

    def _wanted(self, market: Market, equity: Decimal) -> Decimal:
        size = self.settings.size  # 7
        base = _exact(size.quote) + _exact(size.fraction) * equity
        most = _exact(size.most_fraction) * equity
        if size.method is None:
            return min(base, most)
        closes = [float(bar.close) for bar in market.bars[: market.at]]
        known = volatility(closes, size.periods).value
        limits = SizingLimits(size.method, _exact(size.base_volatility), _exact(size.most_fraction))
        portfolio = equity if size.method is SizingMethod.INVERSE_VOLATILITY else None
        value = size_entry(
            base, volatility=None if known is None else Decimal(known), portfolio=portfolio, limits=limits
        ).value
        return min(value, most)

    def _through(self, s: int, row: int) -> None:
        market, holding = self.markets[s], self.book.held[s]
        bar = market.bars[market.at]
        found, peak, doubt = self._walk(holding, bar)
        if doubt:  # 14
            inside = [b for b in market.finer if bar.time <= b.time < bar.time + market.step and self._tradable(b)]
            if inside and (max(b.high for b in inside), min(b.low for b in inside)) == (bar.high, bar.low):
                doubt, start = False, holding.peak
                for finer in inside:
                    found, peak, unsure = self._walk(holding, finer)
                    holding.peak, doubt = peak, doubt or unsure
                    if found:
                        break
                holding.peak = start
                self.book.counts["resolved"] += not doubt
            self.book.counts["ambiguous"] += doubt
        holding.peak = peak
        if found:
            self._leave(s, row, found[1], found[0])

    def _walk(self, holding: Holding, bar: Bar) -> tuple[tuple[Left, Decimal] | None, Decimal, bool]:
        worse, better = (bar.low, bar.high) if holding.side > 0 else (bar.high, bar.low)
        first, peak = self._path(holding, (bar.open, worse, better, bar.close))
        other, _ = self._path(holding, (bar.open, better, worse, bar.close))
        return first, peak, first != other

    def _path(self, holding: Holding, points: tuple[Decimal, ...]) -> tuple[tuple[Left, Decimal] | None, Decimal]:
        """Move from point to point; return what is crossed first with its price, and the peak."""
        peak = _best(holding, points[0])
        if reason := self._at_a_point(holding, points[0], peak):
            return (reason, points[0]), peak
        for here, there in pairwise(points):
            if (there - here) * holding.side >= 0:
                target = self._levels(holding, peak).get(Left.TAKE_PROFIT)
                if target is not None and (there - target) * holding.side > 0:  # 11
                    return (Left.TAKE_PROFIT, target), peak
                peak = max(peak, there) if holding.side > 0 else min(peak, there)
            else:
                levels = self._levels(holding, peak)
                levels.pop(Left.TAKE_PROFIT, None)
                met = [
                    (level * holding.side, -_rank(why), why)
                    for why, level in levels.items()
                    if (there - level) * holding.side < 0
                ]
                if met:
                    level, _, why = max(met)
                    return (why, level * holding.side), peak
        return None, peak

    def _at_a_point(self, holding: Holding, price: Decimal, peak: Decimal) -> Left | None:
        levels = self._levels(holding, peak)
        for why in (Left.LIQUIDATED, Left.STOP_LOSS, Left.TAKE_PROFIT, Left.TRAILING_STOP):
            beyond = holding.side if why is Left.TAKE_PROFIT else -holding.side
            if why in levels and (price - levels[why]) * beyond > 0:
                return why
        return None

    def _levels(self, holding: Holding, peak: Decimal) -> dict[Left, Decimal]:
        limits, side, levels = self.settings.limits, holding.side, {}  # 10
        stop = limits.stop_loss_fraction
        if stop is not None:
            levels[Left.STOP_LOSS] = holding.price * (1 - side * _exact(stop))
        elif side < 0:
            levels[Left.LIQUIDATED] = holding.price * 2  # 12
        if limits.take_profit_fraction is not None:
            levels[Left.TAKE_PROFIT] = holding.price * (1 + side * _exact(limits.take_profit_fraction))
        if limits.trailing_stop_fraction is not None:
            levels[Left.TRAILING_STOP] = peak * (1 - side * _exact(limits.trailing_stop_fraction))
        return levels

    def _leave(self, s: int, row: int, price: Decimal, reason: Left, *, sold: bool = True) -> None:
        holding = self.book.held.pop(s)
        paid = price * (1 - holding.side * self.slippage) if sold else price  # 1
        fee = holding.quantity * paid * self.fee if sold else Decimal(0)
        self.book.cash += holding.worth(paid) - fee  # 2
        gain = holding.side * holding.quantity * (paid - holding.price)
        fees = holding.fee + fee
        self.book.trades.append(
            Trade(
                s,
                holding.side,
                holding.bar,
                holding.price,
                row,
                paid,
                holding.quantity,
                fees,
                gain - fees,
                reason,
                not sold,
            )
        )

    def _end(self) -> None:
        for s in sorted(self.book.held):  # 16
            last = self.markets[s].bars[-1]
            sold = self.settings.at_end is AtEnd.CLOSE and self._tradable(last)
            self._leave(s, len(self.times) - 1, last.close, Left.END_OF_DATA, sold=sold)
        self.book.equity[-1] = self.book.cash


def _rank(why: Left) -> int:
    return (Left.LIQUIDATED, Left.STOP_LOSS, Left.TRAILING_STOP).index(why)


def _best(holding: Holding, price: Decimal) -> Decimal:
    return max(holding.peak, price) if holding.side > 0 else min(holding.peak, price)


def _exact(number: float) -> Decimal:
    return Decimal(repr(float(number)))


def _bars(bars: Bars | None) -> list[Bar]:
    if bars is None:
        return []
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = zip(*([_exact(x) for x in column] for column in columns), strict=True)
    return [Bar(int(time), *row) for time, row in zip(bars.time, rows, strict=True)]
