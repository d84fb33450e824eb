"""What an audit counts is what is there, on either database; audits are kept whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.audit import AuditCheck, AuditedSeries, AuditFinding, AuditReport
from models.history import Absence, Series, Span, Timeframe
from models.history_plan import POLYMARKET
from models.store.audit_figures import OUTLIER, AuditFigures, audit_figures
from models.store.audits import audits, latest_audit, save_audit
from models.store.engine import Store
from tests.builders import NOW
from tests.models.store.history import BITCOIN, END, HOUR, a_walk, keep

COUNTS = ("off_grid", "unfinished", "broken", "frozen", "volume_outliers", "missing", "gaps")


async def figures_of(store: Store, **more: Any) -> AuditFigures:
    return await audit_figures(store, more.pop("now", NOW), more.pop("wanted", None))


async def only_series(store: Store, **more: Any) -> AuditedSeries:
    (series,) = (await figures_of(store, **more)).series
    return series


async def change(store: Store, statement: str, **values: Any) -> None:
    assert await store.execute(text(statement), values)


async def test_a_whole_series_has_nothing_missing_and_nothing_wrong(store: Store) -> None:
    await keep(store, a_walk(100))

    series = await only_series(store)

    assert (series.stored, series.expected, series.lateness) == (100, 100, 0)
    assert {name: getattr(series, name) for name in COUNTS} == dict.fromkeys(COUNTS, 0)
    assert (series.wanted_from, series.known_until) == (NOW - timedelta(hours=100), NOW)


async def test_an_empty_store_has_no_figures(store: Store) -> None:
    figures = await figures_of(store)

    assert figures.series == figures.pairs == ()
    assert set(figures.tables.values()) == {0}


async def test_holes_are_counted_but_for_what_is_known_to_be_absent_or_was_dropped(store: Store) -> None:
    walk = a_walk(100)
    known = [
        (Span(END - 90 * HOUR, END - 88 * HOUR), Absence.NO_TRADE),
        (Span(END - 89 * HOUR, END - 87 * HOUR), Absence.NO_TRADE),
    ]
    outage = (Span(END - 50 * HOUR, END - 48 * HOUR), Absence.OUTAGE)
    gone = [10, 11, 12, 50, 51, 70, 80]
    await keep(store, walk.drop(index=gone), rejected=1, absences=[*known, outage])
    await change(store, "UPDATE history_quarantine SET decision = 'dropped', time = :time", time=END - 20 * HOUR)

    series = await only_series(store)

    assert (series.missing, series.gaps, series.expected) == (3, 2, 96)


async def test_what_was_wanted_before_the_first_candle_is_missing(store: Store) -> None:
    await keep(store, a_walk(10))
    wanted = {BITCOIN: Span(END - 30 * HOUR - 5, END + 99 * HOUR)}

    assert ((await only_series(store, wanted=wanted)).missing) == 20


async def test_a_series_that_is_wanted_and_was_never_stored_is_late(store: Store) -> None:
    wanted = {BITCOIN: Span(END - 52 * HOUR, END)}

    series = await only_series(store, wanted=wanted)

    assert (series.stored, series.expected, series.lateness) == (0, 0, 2)


async def test_the_newest_candles_are_late_and_not_missing(store: Store) -> None:
    await keep(store, a_walk(100))

    series = await only_series(store, now=NOW + timedelta(hours=39, minutes=59))

    assert (series.missing, series.lateness) == (0, 1.5)


@pytest.mark.parametrize(
    ("change_to", "figure"),
    [
        ("low = high * 2", "broken"),
        ("open = -open, low = -low", "broken"),
        ("volume = -1", "broken"),
        ("high = 9e999", "broken"),
        ("time = time + 60", "off_grid"),
        (f"volume = volume * {OUTLIER * 9}", "volume_outliers"),
    ],
)
async def test_each_fault_of_a_candle_is_counted(store: Store, change_to: str, figure: str) -> None:
    if "9e999" in change_to and not store.is_sqlite:
        change_to = "high = 'Infinity'"
    await keep(store, a_walk(100))

    await change(store, f"UPDATE crypto_price_history SET {change_to} WHERE time = :time", time=END - 20 * HOUR)  # noqa: S608

    assert getattr(await only_series(store), figure) == 1


async def test_candles_that_repeat_the_one_before_are_counted(store: Store) -> None:
    walk = a_walk(100)
    walk.loc[40:44, walk.columns[1:]] = walk.loc[40, walk.columns[1:]].to_numpy()
    walk.loc[60:64, walk.columns[1:]] = walk.loc[60, walk.columns[1:]].to_numpy()
    walk.loc[60:64, "volume"] = 0.0  # a venue that says so where nobody traded
    await keep(store, walk)

    assert (await only_series(store)).frozen == 4


async def test_a_candle_that_is_not_over_yet_is_counted(store: Store) -> None:
    await keep(store, a_walk(10))

    assert (await only_series(store, now=NOW - timedelta(minutes=61))).unfinished == 2


async def test_two_sources_of_a_symbol_are_compared_where_both_have_candles(store: Store) -> None:
    binance, other = replace(BITCOIN, source="binance"), replace(BITCOIN, source="okx", symbol="ETH/USD")
    await keep(store, a_walk(100))
    apart = a_walk(100).tail(60).reset_index(drop=True)
    apart.loc[:29, apart.columns[1:5]] /= 1.1
    await keep(store, apart, binance)
    await keep(store, a_walk(100), other)

    (pair,) = (await figures_of(store)).pairs

    assert (pair.one, pair.other, pair.common, pair.apart) == ("binance", "kraken", 60, 30)
    assert pair.drift == pytest.approx(1 - (1 + 1 / 1.1) / 2, abs=1e-5)


async def test_what_does_not_hold_between_the_tables_is_counted(store: Store) -> None:
    batch = await keep(store, a_walk(10), rejected=2)
    assert set((await figures_of(store)).tables.values()) == {0}

    await change(store, "UPDATE crypto_price_history SET batch_id = 999 WHERE time = :time", time=END - HOUR)
    await change(
        store,
        "UPDATE history_quarantine SET batch_id = 998 WHERE row_id = (SELECT min(row_id) FROM history_quarantine)",
    )
    await change(store, "UPDATE history_batches SET rejected = 0, accepted = 4 WHERE batch_id = :batch", batch=batch)
    await change(store, "UPDATE history_quarantine SET decision = 'dropped', decided_by = 'me' WHERE batch_id = 998")

    figures = await figures_of(store)

    assert {rule: rows for rule, rows in figures.tables.items() if rows} == {
        "candles_without_batch": 1,
        "batches_that_do_not_add_up": 1,
        "batches_that_kept_too_much": 1,
        "batches_whose_rejected_are_not_there": 1,
        "quarantined_without_batch": 1,
        "decisions_without_a_reason": 1,
    }
    assert (figures.batches, figures.undecided) == (1, 1)


async def test_prices_of_polymarket_are_counted_too_and_a_market_that_is_closed_is_not_late(store: Store) -> None:
    token = Series(POLYMARKET, "123", Timeframe(HOUR))
    points = a_walk(50)[["time"]].assign(price=0.5)
    points.loc[3, "price"] = 1.5
    await keep(store, points.drop(index=7), token)
    later = NOW + timedelta(days=30)

    series = await only_series(store, now=later)
    assert (series.stored, series.broken, series.missing) == (49, 1, 1)
    assert series.lateness > 1

    await change(
        store,
        "INSERT INTO polymarket_markets (token_id, condition_id, slug, question, outcome, is_closed, seen_at)"
        " VALUES ('123', 'c', 's', 'q', 'Yes', :closed, :at)",
        closed=True,
        at=NOW.replace(tzinfo=None) if store.is_sqlite else NOW,
    )
    assert (await only_series(store, now=later)).lateness == 0


def a_report(passed: bool = True) -> AuditReport:
    check = AuditCheck(
        suite="series",
        rule="missing",
        says="none is missing",
        looked_at=1,
        passed=passed,
        findings=[] if passed else [AuditFinding(subject=str(BITCOIN), found="3 candles")],
    )
    return AuditReport(started_at=NOW, finished_at=NOW + timedelta(seconds=3), checks=[check])


async def test_audits_are_kept_whole_the_newest_first(store: Store, other: Store) -> None:
    assert await latest_audit(store) is None

    first, second = await save_audit(store, a_report(passed=False)), await save_audit(store, a_report())

    assert second > first
    assert await latest_audit(other) == a_report()
    assert await audits(other, limit=9) == (a_report(), a_report(passed=False))
    (row,) = await store.rows(
        text("SELECT passed, expectations, failures FROM history_audits WHERE audit_id = :n"), {"n": first}
    )
    assert (bool(row.passed), row.expectations, row.failures) == (False, 1, 1)


def test_an_audit_that_expected_nothing_has_not_passed() -> None:
    assert not AuditReport(started_at=NOW, finished_at=NOW, checks=[]).passed
