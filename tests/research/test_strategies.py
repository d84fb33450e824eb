"""Strategies: what they open and close, what they may be told, and where they come from."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import ClassVar

import numpy as np
import pytest
import talib

from models.errors import ConfigError
from research import registry
from research.parameters import parameter
from research.registry import BUILT_IN, found
from research.settings import BacktestSettings
from research.signals import CLOSE_LONG, CLOSE_SHORT
from research.strategies.base import Strategy
from research.strategies.bollinger import Bollinger
from research.strategies.breakout import Breakout
from research.strategies.cross_venue import CrossVenue
from research.strategies.marks import above, turns
from research.strategies.momentum import Momentum
from research.strategies.polymarket import Polymarket
from research.strategies.rsi import Rsi
from research.strategies.sma_cross import SmaCross
from tests.research.walks import a_walk, bars_of


def marks(strategy: Strategy, *closes: "list[float]") -> tuple[dict[int, int], list[int]]:
    """Return the entries by bar, and the bars on which what the last of them opened is closed."""
    signals = strategy.decided(strategy.traded([bars_of(np.array(one)) for one in closes]))
    entries = {int(at): int(signals.entry[at]) for at in np.flatnonzero(signals.entry)}
    closed, held = [], 0
    for at in range(len(signals)):
        if held and signals.exit[at] & {1: CLOSE_LONG, -1: CLOSE_SHORT}[held]:
            closed.append(at)
        held = entries.get(at, held)
    return entries, closed


def test_an_average_crosses_and_crosses_back() -> None:
    assert marks(SmaCross(1, 3), [10, 10, 10, 12, 13, 9, 8, 8]) == ({3: 1, 5: -1}, [5])


def test_equal_prices_make_no_crossing() -> None:
    assert marks(SmaCross(3, 7), [0.1 + 0.2] * 5 + [7 / 30 * 1.1] * 200 + [0.7 / 3] * 200)[0].keys() <= {5, 6, 7, 205}


def test_momentum_follows_a_move_and_leaves_when_it_turns() -> None:
    assert marks(Momentum(2, 0.05), [100, 100, 100, 106, 107, 106, 105, 99]) == ({3: 1, 7: -1}, [5])


def test_a_close_outside_of_the_bands_is_gone_against_until_the_middle() -> None:
    assert marks(Bollinger(5, 1.5), [10, 10.1, 9.9, 10, 10.1, 9.9, 8, 9, 10.5, 10]) == ({6: 1}, [8])


def test_what_was_sold_too_hard_is_bought_until_the_index_is_in_the_middle() -> None:
    assert marks(Rsi(2, 20, 80), [10, 10.2, 10.1, 10.2, 10.1, 9, 8, 7, 9, 11, 12]) == ({5: 1, 9: -1}, [8])


def test_a_breakout_holds_a_long_while_it_makes_new_highs_and_closes_it_on_a_new_low() -> None:
    closes = [10, 11, 10, 11, 10.5, 10, 12, 13, 14, 15, 14.5, 12.9, 12]
    assert marks(Breakout(4, 2), closes) == ({6: 1, 12: -1}, [11])


def test_two_venues_are_traded_against_each_other_until_their_prices_meet() -> None:
    here, there = [100.0, 98, 98, 100, 103, 101, 100], [100.0] * 7
    assert marks(CrossVenue(0.015, 0.001), here, there) == ({1: 1, 4: -1}, [3, 6])
    assert CrossVenue().assumed(BacktestSettings(fee_fraction=0.001)).fee_fraction == 0.002


def test_yes_and_no_are_bought_below_a_dollar_and_left_at_one() -> None:
    yes, no = [0.6, 0.55, 0.55, 0.6, 0.62], [0.4, 0.41, 0.42, 0.4, 0.42]
    assert marks(Polymarket(0.03, 0.002), yes, no) == ({1: 1, 4: -1}, [3])


def test_a_pair_stands_on_the_times_that_both_have() -> None:
    first, second = a_walk(10, 1), a_walk(12, 2).cut(3)
    assert len(CrossVenue().traded([first, second])) == 7
    with pytest.raises(ConfigError, match="reads 2 series, and 1 were given"):
        CrossVenue().traded([first])
    with pytest.raises(ConfigError, match="share 0 times"):
        CrossVenue().traded([first.cut(0, 3), second])


@pytest.mark.parametrize("strategy", BUILT_IN)
def test_too_little_history_is_no_signal(strategy: type[Strategy]) -> None:
    series = [a_walk(2, 1)] * strategy.series
    signals = strategy().signals(strategy().traded(series))
    assert not signals.entry.any()
    assert not signals.exit.any()


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("sma-cross", {"fst": 5}, "sma-cross: has no parameter 'fst'; did you mean 'fast'? (allowed: fast, slow)"),
        (
            "sma-cross",
            {"fast": 0},
            "sma-cross.fast: 0 is out of range (allowed: a whole number from 1 to 5000)",
        ),
        ("sma-cross", {"fast": 2.5}, "sma-cross.fast: found '2.5' (allowed: a whole number from 1 to 5000)"),
        ("sma-cross", {"fast": 60, "slow": 50}, "sma-cross: fast (60) must be below slow (50)"),
        ("momentum", {"threshold": "nan"}, "momentum.threshold: found 'nan' (allowed: 0 to 1)"),
        ("momentum", {"threshold": "lots"}, "momentum.threshold: found 'lots' (allowed: 0 to 1)"),
        ("momentun", {}, "--strategy: there is no 'momentun'; did you mean 'momentum'? (allowed: bollinger, breakout"),
    ],
)
def test_what_a_strategy_cannot_be_told_is_named_with_what_it_can(
    name: str, given: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        found().named(name).built(given)
    assert str(caught.value).startswith(words)


@dataclass(frozen=True)
class Always(Strategy):
    name: ClassVar[str] = "always"

    every: int = parameter(3, 1, 9, "bars")


class Untold(Strategy):
    name: ClassVar[str] = "untold"


def test_a_broken_entry_point_is_named_and_the_others_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    here = __name__
    points = [
        EntryPoint("always", f"{here}:Always", registry.GROUP),
        EntryPoint("gone", "no_such_module_anywhere:Strategy", registry.GROUP),
        EntryPoint("function", f"{here}:marks", registry.GROUP),
        EntryPoint("other", f"{here}:Untold", registry.GROUP),
        EntryPoint("rsi", "research.strategies.rsi:Rsi", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])

    there = found()

    assert there.named("always").built({"every": "4"}).values() == {"every": 4}
    assert len(there.classes) == len(BUILT_IN) + 1
    problems = {one.name: one.problem for one in there.broken}
    assert problems.keys() == {"gone", "function", "other", "rsi"}
    assert "No module named" in problems["gone"]
    assert "is no subclass" in problems["function"]
    assert "calls itself 'untold'" in problems["other"]
    with pytest.raises(ConfigError, match="strategy gone: no_such_module_anywhere:Strategy cannot be loaded"):
        there.named("gone")


@pytest.mark.parametrize(("fast", "slow"), [(1, 2), (3, 17), (20, 100)])
def test_the_kernel_of_the_averages_says_what_ta_lib_says(fast: int, slow: int) -> None:
    bars = a_walk(5000, 4)
    quick = talib.SMA(bars.close, fast) if fast > 1 else bars.close
    steady = talib.SMA(bars.close, slow)
    up, down = above(quick, steady), above(steady, quick)
    known = ~np.isnan(steady)

    signals = SmaCross(fast, slow).decided(bars)

    assert np.array_equal(signals.entry, turns(up, known).astype(np.int8) - turns(down, known))
