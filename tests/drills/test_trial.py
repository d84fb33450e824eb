"""Chaos is drawn to be repeated: the printed command must run what failed, and nothing else."""

from decimal import Decimal

from tests.drills.trial import Owner, draw


def test_the_same_seed_and_number_draw_the_same_trial() -> None:
    assert [draw(5, number) for number in range(20)] == [draw(5, number) for number in range(20)]
    assert draw(5, 1) != draw(6, 1)


def test_a_printed_plan_puts_the_same_faults_to_the_same_fleet() -> None:
    for trial in (draw(5, number) for number in range(20)):
        assert trial.with_plan(trial.plan) == trial
        assert all(smaller.owners == trial.owners for smaller in trial.smaller())


def test_what_is_to_be_sold_is_dust_what_is_small_and_the_smallest_over_the_cap() -> None:
    trial = draw(5, 0)
    prices = {"DUST": "0.5", "SMALL": "7", "LEAST": "20", "MORE": "30", "MOST": "40", "AUT": None}
    owner = Owner("one", "kraken", dict.fromkeys(prices, "1"), prices)
    policy = {**trial.policy, "max_positions": 3, "close_consolidation_candidates": False}

    going = type(trial)(1, 1, "sqlite", (owner,), policy, (), None).to_be_sold(owner)

    assert going == dict.fromkeys(("DUST", "SMALL", "LEAST"), Decimal(1))
