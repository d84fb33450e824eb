"""Run backtests: read the prices, refuse a strategy that looks ahead, trade, measure, recommend, keep."""

import asyncio
import dataclasses
from datetime import datetime
from pathlib import Path

from flows.backtest_request import BacktestRequest, CompareRequest, count_of, strategy_named
from flows.research_data import DataRequest, Loaded, load_series
from flows.research_settings import Assumptions
from models.backtest import Backtested, KeptBacktest
from models.backtest_report import BacktestReport
from models.errors import LooksAhead
from models.history import Timeframe
from models.policy import Policy
from models.settings import load_settings
from models.sizing import SizingMethod
from models.store.backtests import keep_backtest
from models.store.engine import Store
from research.engine import run, run_portfolio
from research.lookahead import peeks
from research.metrics import measure
from research.registry import Registry
from research.report import report_of
from research.result import Result
from research.settings import BacktestSettings, Limits
from research.strategies.base import Strategy
from rules.exit_limits import limits_in_force
from tasks.runtime import read_fleet

FILE = "file"  # the source of what was read from one


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """A backtest with all that a page draws of it."""

    report: BacktestReport
    result: Result


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What the strategies of one request share: the prices that are meant, and what is assumed.

    `cap`: positions at a time, where several symbols share the cash; None: one of each. `is_sized`: somebody said how
    large a position is; else the cap shares the equity out.
    """

    data: DataRequest
    settings: BacktestSettings
    cap: int | None = None
    is_sized: bool = False


def setting_of(request: BacktestRequest | CompareRequest) -> Setting:
    """Return prices and assumptions of a request, the account's policy in the place of what it leaves out.

    Raises: ConfigError.
    """
    is_sized = request.assumptions.position_quote is not None or request.assumptions.position_fraction < 1
    if request.account is None:
        return Setting(request.data, request.assumptions.settings(), request.max_positions, is_sized)
    fleet = read_fleet(load_settings(), None if request.fleet is None else Path(request.fleet))
    (account,) = fleet.choose([request.account])
    data = request.data
    if not data.files and not data.sources:
        data = data.model_copy(update={"sources": [account.venue]})
    policy = fleet.policies[account.id]
    return Setting(
        data, by_policy(request.assumptions, policy), request.max_positions or policy.max_positions, is_sized
    )


def by_policy(given: Assumptions, policy: Policy) -> BacktestSettings:
    """Return what is assumed of an account: the limits and sizing of its policy where none is given; longs alone.

    A form sends every field, given or not, so what is at its default counts as not given.
    """
    settings, limits = given.settings(), Limits.from_policy(limits_in_force(policy))
    told = {field.name: getattr(settings.limits, field.name) for field in dataclasses.fields(Limits)}
    method = given.sizing or policy.sizing_method
    most = float(policy.sizing_cap_fraction) if method is SizingMethod.INVERSE_VOLATILITY else 1.0
    size = dataclasses.replace(
        settings.size,
        method=method,
        most_fraction=most,
        base_volatility=float(policy.sizing_base_volatility_fraction),
    )
    return dataclasses.replace(
        settings,
        limits=dataclasses.replace(limits, **{name: limit for name, limit in told.items() if limit is not None}),
        sizing=size,
        allow_short=False,
    )


async def backtest_once(store: Store, request: BacktestRequest, registry: Registry, now: datetime) -> Ran:
    """Run one backtest and keep it. Raises: ConfigError, LooksAhead, BadBars, StoreError."""
    strategy = strategy_named(registry, request.strategy, request.parameters)
    setting = setting_of(request)
    loaded = await load_series(store, setting.data, count_of(strategy, setting.data), now)
    return await tested(store, strategy, loaded, setting, now)


async def tested(store: Store, strategy: Strategy, loaded: Loaded, setting: Setting, now: datetime) -> Ran:
    """Run one strategy on prices that were read, and keep what came of it.

    Raises: ConfigError, LooksAhead, StoreError.
    """
    result = await asyncio.to_thread(_traded, strategy, loaded, setting)
    about = about_of(strategy, loaded, setting.data)
    report = report_of(strategy, result, measure(result), about, data=loaded.name, now=now)
    number = await keep_backtest(store, kept_of(report, about))
    return Ran(report.model_copy(update={"backtest_id": number}), result)


def about_of(strategy: Strategy, loaded: Loaded, data: DataRequest) -> Backtested:
    """Return what a backtest is about, by which it is found again."""
    if data.files:
        source, symbol = FILE, " and ".join(loaded.names)
    else:  # `binance BTC/USDT 1h`
        parts = [name.split(" ") for name in loaded.names]
        source, symbol = (
            " and ".join(dict.fromkeys(p[0] for p in parts)),
            " and ".join(dict.fromkeys(p[1] for p in parts)),
        )
    timeframe = str(Timeframe(loaded.series[0].step_seconds))
    return Backtested(strategy.name, strategy.values(), source, symbol, timeframe)


def kept_of(report: BacktestReport, about: Backtested) -> KeptBacktest:
    """Return what the store keeps of a report."""
    return KeptBacktest(
        tested=about,
        measured_at=report.measured_at,
        since=report.since,
        until=report.until,
        bars=report.bars,
        settings=report.settings,
        figures=report.figures,
        verdict=report.recommendation.verdict,
        points=report.recommendation.total,
        trades=report.recommendation.trades,
        equity=tuple((int(at.timestamp()), value) for at, value in report.equity),
    )


def _traded(strategy: Strategy, loaded: Loaded, setting: Setting) -> Result:
    """Trade one market, or several that share cash and cap. Raises: ConfigError, LooksAhead."""
    is_one = strategy.series > 1 or len(loaded.series) == 1
    markets = [loaded.series] if is_one else [(bars,) for bars in loaded.series]
    for series in markets:
        if seen := peeks(strategy, series):
            raise LooksAhead(strategy.name, str(seen[0]))
    traded = [strategy.traded(series) for series in markets]
    decided = [(bars, strategy.decided(bars)) for bars in traded]
    if is_one:
        (market,) = decided
        return run(*market, strategy.assumed(setting.settings))
    return run_portfolio(decided, strategy.assumed(_shared(setting, len(decided))))


def _shared(setting: Setting, markets: int) -> BacktestSettings:
    """Return what is assumed where several markets share the cash."""
    cap = min(setting.cap or markets, markets)
    size = setting.settings.size
    if not setting.is_sized:
        size = dataclasses.replace(size, fraction=1 / cap)
    return dataclasses.replace(setting.settings, max_positions=cap, sizing=size)
