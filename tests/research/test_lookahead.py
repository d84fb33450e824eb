"""A strategy that knows the future is caught; the built-in ones do not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.bars import Bars
from research.lookahead import peeks
from research.parameters import parameter
from research.registry import BUILT_IN
from research.signals import Signals
from research.strategies.base import Strategy
from tests.research.walks import a_walk


@dataclass(frozen=True)
class Ahead(Strategy):
    """Buys before the price rises, `bars` ahead."""

    name: ClassVar[str] = "ahead"
    bars: int = parameter(1, 1, 50, "bars it looks ahead")

    def signals(self, bars: Bars) -> Signals:
        later = np.concatenate((bars.close[self.bars :], bars.close[-1:].repeat(self.bars)))[: len(bars)]
        return Signals.of((later > bars.close * 1.005).astype(np.int8))


@dataclass(frozen=True)
class Normalised(Strategy):
    """Compares with the mean and the spread of the whole history, as is often done unawares."""

    name: ClassVar[str] = "normalised"

    def signals(self, bars: Bars) -> Signals:
        score = (bars.close - bars.close.mean()) / bars.close.std()
        return Signals.of((score < -1).astype(np.int8) - (score > 1).astype(np.int8))


@dataclass(frozen=True)
class Centred(Strategy):
    """Smooths with an average that stands in the middle of its bars."""

    name: ClassVar[str] = "centred"

    def signals(self, bars: Bars) -> Signals:
        smooth = np.convolve(bars.close, np.ones(5) / 5, mode="same")
        return Signals.of((smooth > bars.close).astype(np.int8))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(60, 400), ahead=st.integers(1, 20))
def test_a_strategy_that_peeks_is_caught(seed: int, bars: int, ahead: int) -> None:
    walk = a_walk(bars, seed)

    found = peeks(Ahead(ahead), [walk])

    assert found
    assert "with what came later" in str(found[0])


@pytest.mark.parametrize("strategy", [Normalised(), Centred()])
@pytest.mark.parametrize("seed", range(5))
def test_a_strategy_that_peeks_unawares_is_caught(strategy: Strategy, seed: int) -> None:
    assert peeks(strategy, [a_walk(300, seed)])


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 10_000), bars=st.integers(2, 300))
def test_no_built_in_strategy_peeks(data: st.DataObject, seed: int, bars: int) -> None:
    for strategy in BUILT_IN:
        values = {
            one.name: data.draw(st.sampled_from(one.bounds.sweep), label=f"{strategy.name} {one.name}")
            for one in strategy.declared()
        }
        series = [a_walk(bars, seed + number, 0.02) for number in range(strategy.series)]
        assert peeks(strategy.built({} if _clashes(strategy, values) else values), series, cuts=12) == ()


def _clashes(strategy: type[Strategy], values: dict[str, float]) -> bool:
    raw = strategy.__new__(strategy)
    for name, value in values.items():
        object.__setattr__(raw, name, value)
    return bool(raw.conflict())
