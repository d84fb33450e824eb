"""The metrics page tells what the store knows, whoever wrote it; what nobody knows is absent, and a fault is told."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from flows.exporter import reader
from flows.exporter.endpoint import serving, written
from flows.exporter.reader import Reader
from flows.exporter.table import METRICS
from models.clock import SystemClock
from models.settings import load_settings
from tests.drills.desk import Desk
from tests.drills.measured import Samples, fill, reading_of, samples_of

pytestmark = pytest.mark.wire


def test_every_metric_of_the_table_is_told_of_a_store_in_which_everything_has_happened(desk: Desk) -> None:
    fill(desk)

    reading = reading_of(desk)

    assert reading.fault is None, reading.problem
    told = {f"{f.name}_total" if f.type == "counter" else f.name for f in reading.families}
    assert set(METRICS) - told == {"nija_fault"}
    assert told <= set(METRICS)


def test_the_figures_are_those_of_the_store(desk: Desk) -> None:
    at = fill(desk)

    told = samples_of(reading_of(desk))

    expected = {
        "nija_up": 1,
        "nija_verification_pass_ratio": 0.75,
        "nija_verification_failed_checks": 1,
        "nija_users_active": 1,
        "nija_users_at_cap": 1,
        "nija_global_positions": 1,  # the one without a price: both others were sold
        "nija_global_positions_max": 100,
        "nija_low_balance_warnings_total": 7,  # those of last year too: a counter does not forget
        "nija_volatility_adjustments_total": 3,
        "nija_fallback_activations_total": 1,
        "nija_account_positions{account=platform}": 1,
        "nija_account_positions_max{account=platform}": 1,
        "nija_account_unvalued_positions{account=platform}": 1,
        "nija_account_frozen_symbols{account=platform}": 1,
        "nija_account_undecided_orders{account=platform}": 1,
        "nija_account_halted{account=platform,cause=DRAWDOWN}": 1,
        "nija_account_halted{account=platform,cause=DAILY_LOSS}": 0,
        "nija_account_reconciliation_mismatches{account=platform}": 1,
        "nija_account_status{account=platform,pipeline=normalize,status=halted}": 1,
        "nija_account_balance_fresh{account=platform}": 1,
        "nija_account_balance_errors{account=platform}": 0,
        "nija_orders_total{account=platform,kind=trim_cap,outcome=filled}": 2,
        "nija_orders_total{account=platform,kind=close_dust,outcome=filled}": 1,
        "nija_alerts_standing_by_code{code=HALTED}": 1,
        "nija_leases_held{kind=account}": 0,
        "nija_pipeline_interval_seconds{pipeline=enforce_cap}": 300,
        "nija_runs_unfinished{pipeline=enforce_cap}": 1,
        "nija_run_duration_seconds_bucket{le=0.5,mode=live,pipeline=enforce_cap}": 0,
        "nija_run_duration_seconds_bucket{le=1.0,mode=live,pipeline=enforce_cap}": 1,
        "nija_run_duration_seconds_bucket{le=60.0,mode=live,pipeline=enforce_cap}": 1,
        "nija_run_duration_seconds_bucket{le=+Inf,mode=live,pipeline=enforce_cap}": 2,
        "nija_run_duration_seconds_sum{mode=live,pipeline=enforce_cap}": 91,
        "nija_breaker_state{venue=kraken,account=platform,direction=write,state=open}": 1,
        "nija_breaker_state{venue=kraken,account=platform,direction=write,state=closed}": 0,
        "nija_throttle_used_ratio{venue=kraken,limit=public}": 0.0005,  # a desk's venues grant a thousandfold
    }
    assert {name: _of(told, name) for name in expected} == expected
    assert told["nija_last_verification_timestamp_seconds"] == pytest.approx(at.timestamp())
    cash, equity = (told[f"nija_account_{what}{{account=platform,currency=USD}}"] for what in ("cash", "equity"))
    assert cash == equity == pytest.approx(2494.498)  # 1000, and what was sold for
    order = told["nija_account_oldest_undecided_order_timestamp_seconds{account=platform}"]
    assert order == pytest.approx(at.timestamp() - 300)


def test_what_was_never_read_is_absent_and_never_zero(desk: Desk) -> None:
    desk.worth({"BTC": 1000})
    desk.at_runtime(_nothing)  # the store is made, no account is read

    told = samples_of(reading_of(desk))

    names = {name.partition("{")[0] for name in told}
    unknown = {"nija_global_positions", "nija_last_verification_timestamp_seconds", "nija_verification_pass_ratio"}
    unknown |= {f"nija_account_{what}" for what in ("positions", "dust_positions", "unvalued_positions")}
    unknown |= {f"nija_account_{what}" for what in ("cash", "equity", "balance_fresh", "balance_timestamp_seconds")}
    assert names & unknown == set()
    assert told["nija_accounts_never_read"] == 1
    assert told["nija_low_balance_warnings_total"] == 0  # that it never happened is known


def test_accounts_and_venues_that_are_not_in_the_fleet_file_have_no_series(desk: Desk) -> None:
    fill(desk)
    desk._accounts[0]["id"] = "renamed"

    told = samples_of(reading_of(desk))

    assert {name for name in told if "account=platform" in name} == set()
    assert "nija_account_positions_max{account=renamed}" in told


def test_a_fleet_file_that_is_broken_while_it_serves_is_told_and_mended(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.worth({"BTC": 1000})
    desk.run()
    good = desk.fleet.read_text()
    own = Reader(load_settings(), desk.fleet, SystemClock())

    def told(text: str) -> Samples:
        desk.fleet.write_text(text)
        return samples_of(asyncio.run(own.read_now()))

    assert told("version: 7")["nija_fault{code=CONFIG_ERROR}"] == 1
    assert told(good)["nija_up"] == 1


def test_many_scrapers_are_told_from_one_read_and_no_venue_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = desk.worth({"BTC": 1000})
    desk.run()
    calls, looks = len(venue.call_log()), []
    monkeypatch.setattr(Reader, "read_now", _counted(Reader.read_now, looks))

    async def scrape() -> list[str]:
        async with serving(Reader(load_settings(), desk.fleet, SystemClock()), "127.0.0.1", 0) as address:
            return await asyncio.gather(*(_page(address) for _ in range(8)))

    pages = asyncio.run(scrape())

    assert len(set(pages)) == 1
    assert "nija_account_positions" in pages[0]
    assert len(looks) == 1
    assert len(venue.call_log()) == calls


def test_both_forms_of_the_page_are_served(sqlite_desk: Desk) -> None:
    fill(sqlite_desk)
    reading = reading_of(sqlite_desk)

    plain, open_metrics = (written(reading, accept) for accept in ("text/plain", "application/openmetrics-text"))

    assert plain[1].startswith("text/plain")
    assert open_metrics[1].startswith("application/openmetrics-text")
    assert open_metrics[0].endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("breakage", "code"),
    [
        (lambda path: path.unlink(), "STORE_UNREACHABLE"),
        (lambda path: path.write_bytes(b"no database, and longer than a header" * 40), "STORE_DAMAGED"),
        (lambda path: _execute(path, "UPDATE alembic_version SET version_num = '0003'"), "STORE_OLDER"),
        (lambda path: _execute(path, "UPDATE alembic_version SET version_num = '9999'"), "STORE_NEWER"),
        (lambda path: _execute(path, "DROP TABLE alembic_version"), "STORE_OLDER"),
        (lambda path: _execute(path, "DROP TABLE breakers"), "STORE_ERROR"),
    ],
)
def test_a_store_that_cannot_be_read_is_told_by_its_code_and_left_as_it_is(
    sqlite_desk: Desk, breakage: object, code: str
) -> None:
    sqlite_desk.worth({"BTC": 1000})
    sqlite_desk.run()
    path = Path(sqlite_desk.store_url.removeprefix("sqlite:///"))
    for beside in path.parent.glob("*-*"):
        beside.unlink()
    breakage(path)  # type: ignore[operator]
    before = path.read_bytes() if path.exists() else b""

    told = samples_of(reading_of(sqlite_desk))

    assert told["nija_up"] == 0
    assert told[f"nija_fault{{code={code}}}"] == 1
    assert not any(name.startswith("nija_account") for name in told)
    assert (path.read_bytes() if path.exists() else b"") == before


def test_a_store_that_hangs_keeps_no_scrape_waiting(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite_desk.worth({"BTC": 1000})
    sqlite_desk.run()
    monkeypatch.setattr(reader, "PATIENCE", reader.PATIENCE / 40)
    path = sqlite_desk.store_url.removeprefix("sqlite:///")

    async def scrape() -> str:
        async with serving(Reader(load_settings(), sqlite_desk.fleet, SystemClock()), "127.0.0.1", 0) as address:
            with closing(sqlite3.connect(path, isolation_level=None)) as greedy:
                greedy.execute("PRAGMA locking_mode=EXCLUSIVE")
                greedy.execute("BEGIN EXCLUSIVE")
                return await _page(address)

    assert 'nija_fault{code="STORE_SLOW"} 1.0' in asyncio.run(scrape())


def _of(told: Samples, name: str) -> float | None:
    """Return a sample whatever the order of its labels."""
    want = (name.partition("{")[0], set(name.partition("{")[2].rstrip("}").split(",")))
    found = [
        v for k, v in told.items() if (k.partition("{")[0], set(k.partition("{")[2].rstrip("}").split(","))) == want
    ]
    return found[0] if found else None


def _counted(read: object, looks: list[int]) -> object:
    async def counted(self: Reader) -> object:
        looks.append(1)
        return await read(self)  # type: ignore[operator]

    return counted


async def _page(address: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return await answer.text()


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _nothing(_runtime: object) -> None:
    pass
