"""Only a backtest of what the account itself could have done weighs its money, and only with all its figures."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.backtest import Backtested, KeptBacktest
from rules.backtest_fit import unfit
from rules.exit_limits import limits_in_force
from tests.builders import NOW, a_policy

LIMITS = limits_in_force(a_policy(stop_loss_fraction="0.03", trailing_stop_fraction=None, max_hold_hours=24))
SETTINGS = {
    "allow_short": False,
    "stop_loss_fraction": 0.03,
    "take_profit_fraction": 0.08,
    "trailing_stop_fraction": None,
    "longest_hold_seconds": 86_400,
}
FIGURES = {"sharpe": None, "win_rate": 0.5, "return_fraction": -0.1}
ABOUT = Backtested("rsi", {}, "kraken", "BTC/USD", "1h")
KEPT = KeptBacktest(ABOUT, NOW, NOW - timedelta(days=90), NOW, 2160, SETTINGS, FIGURES, "GOOD", 60, 40)


def why_not(kept: KeptBacktest, *, days: int = 35) -> str:
    return unfit(kept, LIMITS, oldest=NOW - timedelta(days=days), now=NOW) or ""


def test_one_under_the_accounts_own_policy_counts_and_a_figure_may_be_undefined() -> None:
    assert why_not(KEPT) == ""


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_one_under_other_settings_does_not(name: str) -> None:
    lacking = {key: value for key, value in SETTINGS.items() if key != name}

    assert why_not(replace(KEPT, settings={**SETTINGS, name: 0.5}))
    assert why_not(replace(KEPT, settings=lacking))  # a limit that nobody wrote down is not "no limit"


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("sharpe", math.nan),
        ("sharpe", math.inf),
        ("sharpe", "9"),
        ("sharpe", True),
        ("win_rate", 1.01),
        ("return_fraction", -1.5),
    ],
)
def test_one_whose_figures_cannot_be_is_not_read_as_zero(name: str, figure: Any) -> None:
    assert why_not(replace(KEPT, figures={**FIGURES, name: figure})) == f"no number is kept as its {name}"
    lacking = {key: value for key, value in FIGURES.items() if key != name}
    assert why_not(replace(KEPT, figures=lacking)) == f"no number is kept as its {name}"


def test_its_prices_end_neither_too_long_ago_nor_in_a_time_to_come() -> None:
    assert "end on" in why_not(replace(KEPT, until=NOW - timedelta(days=36)))
    assert "has not come" in why_not(replace(KEPT, until=NOW + timedelta(hours=2)))
