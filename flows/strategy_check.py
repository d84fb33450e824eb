"""Which strategies there are, and whether one looks ahead: for commands and pages."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from flows.research_data import DataRequest, load_series
from models.clock import Clock, SystemClock
from models.settings import load_settings
from models.store.engine import Store
from models.strategy_report import (
    BrokenReport,
    CheckReport,
    ParameterReport,
    PeekReport,
    StrategiesReport,
    StrategyReport,
)
from research.lookahead import CUTS, peeks
from research.parameters import Parameter
from research.registry import Registry
from research.strategies.base import Strategy


def strategies_report(registry: Registry) -> StrategiesReport:
    """Return every strategy, by name, and what is broken."""
    return StrategiesReport(
        strategies=[_strategy(one) for _, one in sorted(registry.classes.items())],
        broken=[BrokenReport(name=one.name, problem=one.problem) for one in registry.broken],
    )


async def check_strategy(
    strategy: type[Strategy],
    given: Mapping[str, object],
    request: DataRequest,
    *,
    cuts: int = CUTS,
    clock: Clock | None = None,
) -> CheckReport:
    """Ask a strategy again with histories that end early. Raises: ConfigError, BadBars, StoreError."""
    built = strategy.built(given)
    async with await Store.open(load_settings().store_url) as store:
        loaded = await load_series(store, request, strategy.series, (clock or SystemClock()).now())
    bars = built.traded(loaded.series)
    signals = await asyncio.to_thread(built.decided, bars)
    found = await asyncio.to_thread(peeks, built, loaded.series, cuts)
    return CheckReport(
        strategy=strategy.name,
        parameters=built.values(),
        data=loaded.name,
        bars=len(bars),
        cuts=cuts,
        entries=int(np.count_nonzero(signals.entry)),
        peeks=[PeekReport(**asdict(one)) for one in found],
    )


def _strategy(one: type[Strategy]) -> StrategyReport:
    return StrategyReport(
        name=one.name,
        says=one.says,
        where=f"{one.__module__}:{one.__qualname__}",
        series=one.series,
        cost_legs=one.cost_legs,
        parameters=[_parameter(declared) for declared in one.declared()],
    )


def _parameter(one: Parameter) -> ParameterReport:
    bounds = one.bounds
    return ParameterReport(
        name=one.name,
        says=bounds.says,
        is_whole=one.is_whole,
        default=one.default,
        low=bounds.low,
        high=bounds.high,
        sweep=list(bounds.sweep),
    )
