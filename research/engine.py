"""Run a backtest: one symbol, several that share the cash and the cap, or many settings over the same bars."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.errors import ConfigError
from research.bars import Bars, Floats, Integers, sealed
from research.kernel import terms as numbers
from research.kernel.one import simulate
from research.kernel.several import simulate_together
from research.kernel.terms import Candles, Sparse, Terms
from research.result import Result, Trades, Unfilled
from research.settings import AtEnd, BacktestSettings
from research.signals import Signals
from research.sizes import factors

_COUNTED = {
    Unfilled.NO_CASH: numbers.NO_CASH,
    Unfilled.TOO_SMALL: numbers.TOO_SMALL,
    Unfilled.NO_VOLUME: numbers.NO_VOLUME,
    Unfilled.SHORT_NOT_ALLOWED: numbers.NO_SHORT,
    Unfilled.CAP_REACHED: numbers.CAP,
}


def run(bars: Bars, signals: Signals, settings: BacktestSettings | None = None, *, finer: Bars | None = None) -> Result:
    """Trade one symbol by signals.

    `finer`: bars of the same symbol and a shorter step; they tell which of a bar's extremes came first.
    Raises: ConfigError when the signals or the finer bars do not fit the bars.
    """
    settings = settings or BacktestSettings()
    _fits(bars, signals, finer)
    equity = np.empty(len(bars))
    trades, count, counts = simulate(
        candles(bars),
        Sparse(signals.entry, signals.exit, np.flatnonzero((signals.entry | signals.exit) != 0)),
        factors(bars, settings.size),
        candles(finer) if finer else NO_CANDLES,
        bars.step_seconds,
        terms(settings, (bars, finer)),
        equity,
    )
    return _result(
        bars=(bars,),
        signals=(signals,),
        settings=settings,
        time=bars.time,
        equity=equity,
        trades=trades[:count].copy(),
        counts=counts,
    )


def run_portfolio(
    markets: Sequence[tuple[Bars, Signals]],
    settings: BacktestSettings | None = None,
    *,
    finer: Mapping[str, Bars] | None = None,
) -> Result:
    """Trade several symbols that share the cash and the cap; where it does not do for all, the earlier ones are served.

    `finer`: by symbol, where there are any. Raises: ConfigError when something does not fit together.
    """
    settings, finer = settings or BacktestSettings(), finer or {}
    if not markets:
        raise ConfigError("symbols", "none given", "one or more")
    for bars, signals in markets:
        _fits(bars, signals, finer.get(bars.symbol))
    names = [bars.symbol for bars, _ in markets]
    steps = sorted({bars.step_seconds for bars, _ in markets})
    if len(set(names)) < len(names) or len(steps) > 1 or set(finer) - set(names):
        raise ConfigError("symbols", f"{', '.join(names)} with steps of {steps} s", "each once, all of the same step")
    grid = _union([bars.time for bars, _ in markets])
    equity = np.empty(len(grid))
    scales = [factors(bars, settings.size) for bars, _ in markets]
    details = [finer.get(name) for name in names]
    trades, count, counts = simulate_together(
        _joined([candles(bars) for bars, _ in markets]),
        _starts([len(bars) for bars, _ in markets]),
        sealed(np.concatenate([signals.entry for _, signals in markets])),
        sealed(np.concatenate([signals.exit for _, signals in markets])),
        scales[0] if len(scales[0]) == 1 else sealed(np.concatenate(scales)),
        _joined([candles(bars) if bars else NO_CANDLES for bars in details]),
        _starts([len(bars) if bars else 0 for bars in details]),
        steps[0],
        terms(settings, [*(bars for bars, _ in markets), *details]),
        grid,
        equity,
    )
    return _result(
        bars=tuple(bars for bars, _ in markets),
        signals=tuple(signals for _, signals in markets),
        settings=settings,
        time=grid,
        equity=equity,
        trades=trades[:count].copy(),
        counts=counts,
    )


def candles(bars: Bars) -> Candles:
    """Return the columns as the kernels take them."""
    return Candles(bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume)


def terms(settings: BacktestSettings, every: Sequence[Bars | None]) -> Terms:
    """Return the settings as the kernels take them; a volume is not looked at where every bar has one."""
    size, limits = settings.size, settings.limits
    return Terms(
        cash=float(settings.initial_cash),
        fee=float(settings.fee_fraction),
        slippage=float(settings.slippage_fraction),
        quote=float(size.quote),
        fraction=float(size.fraction),
        most=float(size.most_fraction),
        minimum=float(settings.minimum_quote),
        stop=_limit(limits.stop_loss_fraction),
        take=_limit(limits.take_profit_fraction),
        trailing=_limit(limits.trailing_stop_fraction),
        hold=numbers.FOREVER if limits.longest_hold_seconds is None else int(limits.longest_hold_seconds),
        cap=int(settings.max_positions),
        short=bool(settings.allow_short),
        airless=settings.fills_without_volume or not any(bars.airless for bars in every if bars),
        close_at_end=settings.at_end is AtEnd.CLOSE,
    )


def _joined(columns: Sequence[Candles]) -> Candles:
    return Candles(*(sealed(np.concatenate(column)) for column in zip(*columns, strict=True)))


def _union(times: Sequence[Integers]) -> Integers:
    if all(len(more) == len(times[0]) and np.array_equal(more, times[0]) for more in times[1:]):
        return times[0]
    every = np.sort(np.concatenate(times), kind="stable")  # np.unique hashes whole numbers, which takes far longer
    return sealed(np.ascontiguousarray(every[np.flatnonzero(np.diff(every, prepend=every[0] - 1))]))


def _starts(lengths: Sequence[int]) -> Integers:
    return sealed(np.cumsum([0, *lengths], dtype=np.int64))


def _limit(fraction: float | None) -> float:
    return float("inf") if fraction is None else float(fraction)


def _fits(bars: Bars, signals: Signals, finer: Bars | None) -> None:
    if len(signals) != len(bars):
        raise ConfigError("signals", f"{len(signals)} of them for {len(bars)} bars of {bars.symbol}", "one per bar")
    if finer and (finer.symbol != bars.symbol or bars.step_seconds % finer.step_seconds or len(finer) < 1):
        raise ConfigError(
            "finer bars",
            f"{finer.symbol} every {finer.step_seconds} s",
            f"{bars.symbol}, a step that divides {bars.step_seconds} s",
        )


def _result(
    *,
    bars: tuple[Bars, ...],
    signals: tuple[Signals, ...],
    settings: BacktestSettings,
    time: np.ndarray,
    equity: Floats,
    trades: Trades,
    counts: np.ndarray,
) -> Result:
    unfilled = {why: int(counts[at]) for why, at in _COUNTED.items()}
    unfilled[Unfilled.LAST_BAR] = sum(int(s.entry[-1] != 0) for s in signals)
    asked = sum(int(np.count_nonzero(s.entry)) for s in signals)
    unfilled[Unfilled.HELD_ALREADY] = asked - len(trades) - sum(unfilled.values())
    for end in ("entry", "exit"):
        trades[f"{end}_time"] = time[trades[f"{end}_bar"]]
    return Result(
        bars=bars,
        settings=settings,
        time=time,
        equity=sealed(equity),
        trades=sealed(trades),
        unfilled={why: unfilled[why] for why in Unfilled if unfilled[why]},
        ambiguous_bars=int(counts[numbers.AMBIGUOUS]),
        resolved_bars=int(counts[numbers.RESOLVED]),
        cut_entries=int(counts[numbers.CUT]),
    )


_NONE = sealed(np.empty(0))
NO_CANDLES = Candles(sealed(np.empty(0, np.int64)), _NONE, _NONE, _NONE, _NONE, _NONE)
