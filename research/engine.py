"""Run a backtest: one symbol, several that share the cash and the cap, or many settings over the same bars."""


import numpy as np

from models.errors import ConfigError
from research import kernel
from research.bars import Bars, Floats, sealed
from research.result import Result, Trades, Unfilled
from research.settings import AtEnd, BacktestSettings
from research.signals import Signals
from research.sizes import factors

_COUNTED = {
    Unfilled.NO_CASH: kernel.NO_CASH,
    Unfilled.TOO_SMALL: kernel.TOO_SMALL,
    Unfilled.NO_VOLUME: kernel.NO_VOLUME,
    Unfilled.SHORT_NOT_ALLOWED: kernel.NO_SHORT,
    Unfilled.CAP_REACHED: kernel.CAP,
}
_FOREVER = 2**62


def run(bars: Bars, signals: Signals, settings: BacktestSettings | None = None, *, finer: Bars | None = None) -> Result:
    """Trade one symbol by signals.

    `finer`: bars of the same symbol and a shorter step; they tell which of a bar's extremes came first.
    Raises: ConfigError when the signals or the finer bars do not fit the bars.
    """
    settings = settings or BacktestSettings()
    _fits(bars, signals, finer)
    equity = np.empty(len(bars))
    trades, count, counts = kernel.simulate(
        candles(bars),
        signals.entry,
        signals.exit,
        factors(bars, settings.size),
        candles(finer) if finer else NO_CANDLES,
        bars.step_seconds,
        terms(settings),
        equity,
    )
    return _result((bars,), (signals,), settings, bars.time, equity, trades[:count].copy(), counts)


def candles(bars: Bars) -> kernel.Candles:
    """Return the columns as the kernels take them."""
    return kernel.Candles(bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume)


def terms(settings: BacktestSettings) -> kernel.Terms:
    """Return the settings as the kernels take them."""
    size, limits = settings.size, settings.limits
    return kernel.Terms(
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
        hold=_FOREVER if limits.longest_hold_seconds is None else int(limits.longest_hold_seconds),
        cap=int(settings.max_positions),
        short=bool(settings.allow_short),
        airless=bool(settings.fills_without_volume),
        close_at_end=settings.at_end is AtEnd.CLOSE,
    )


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
    return Result(
        bars=bars,
        settings=settings,
        time=time,
        equity=sealed(equity),
        trades=sealed(trades),
        unfilled={why: unfilled[why] for why in Unfilled if unfilled[why]},
        ambiguous_bars=int(counts[kernel.AMBIGUOUS]),
        resolved_bars=int(counts[kernel.RESOLVED]),
        cut_entries=int(counts[kernel.CUT]),
    )


_NONE = sealed(np.empty(0))
NO_CANDLES = kernel.Candles(sealed(np.empty(0, np.int64)), _NONE, _NONE, _NONE, _NONE, _NONE)
