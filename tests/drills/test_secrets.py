"""After a run in which much went wrong, no key and no secret is found anywhere that is kept or shown."""

import asyncio
import logging
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogHandler
from sqlmodel import SQLModel

from models.store.engine import Store
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


@pytest.fixture
def desk(prefect_desk: Desk) -> Desk:
    return prefect_desk


NEWEST = 200  # what the server answers at once; the run under test is the last one
NEWEST_FIRST = {
    "flow_runs": "START_TIME_DESC",
    "task_runs": "END_TIME_DESC",
    "artifacts": "UPDATED_DESC",
    "logs": "TIMESTAMP_DESC",
}
HELD = {"BTC": 1000, "ETH": 500, "SOL": 100, "ADA": "0.50", "DOGE": 5}


def _faults(quote: str) -> list[dict[str, object]]:
    """Make one of everything go wrong that an error text could carry a key out of."""
    return [
        {"operation": "balance", "fault": "html"},
        {"operation": "balance", "fault": "hang"},
        {"operation": "open_orders", "fault": "refuse_before"},
        {"operation": "tickers", "fault": "rate_limited"},
        {"operation": "place", "symbol": f"ETH/{quote}", "fault": "drop_after"},
        {"operation": "place", "symbol": f"SOL/{quote}", "fault": "auth_revoked", "times": None},
        {"operation": "place", "symbol": f"ADA/{quote}", "fault": "status_after"},
        {"operation": "place", "symbol": f"DOGE/{quote}", "fault": "truncated"},
        {"operation": "cancel", "fault": "html"},
    ]


def test_no_key_and_no_secret_is_kept_or_shown_anywhere(
    desk: Desk, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    kraken = desk.worth(HELD, faults=_faults("USD"))
    binance = desk.worth(HELD, account="second", venue="binance", faults=_faults("USDT"))
    revoked = {"operation": "balance", "fault": "auth_revoked", "times": None}
    third = desk.worth(HELD, account="third", venue="binance", faults=[revoked])
    # an error whose text holds the whole address, signature included
    down = {"operation": "balance", "fault": "status", "times": None}
    fourth = desk.worth(HELD, account="fourth", venue="binance", faults=[down])

    report = desk.normalize()

    out, err = capfd.readouterr()
    places = {
        "report": report.model_dump_json(),
        "stdout": out,
        "stderr": err,
        "log records": "\n".join(str(vars(record)) for record in caplog.records),
        "files": _files(desk.home),
        "database": desk.in_store(_tables),
        "Prefect": asyncio.run(_in_prefect()),
    }
    venues = {"platform": kraken, "second": binance, "third": third, "fourth": fourth}
    secrets = [secret for account, venue in venues.items() for secret in venue.credentials(account) if secret]
    found = [(place, secret) for place, text in places.items() for secret in secrets if secret in text]
    assert found == []
    assert [place for place, text in places.items() if "signature=" in text] == []
    # what went wrong is told in those places, so the search did look at something
    assert '"AUTHENTICATION"' in places["report"]
    assert all(report.run_id in places[place] for place in ("files", "database", "Prefect"))
    assert "order outcome unknown" in places["log records"]


def _files(home: Path) -> str:
    return "\n".join(path.read_bytes().decode(errors="replace") for path in home.rglob("*") if path.is_file())


async def _tables(store: Store) -> str:
    async with store.reading() as connection:
        tables = [(table.name, await connection.execute(table.select())) for table in SQLModel.metadata.sorted_tables]
        return "\n".join(f"{name}: {tuple(row)}" for name, rows in tables for row in rows)


async def _in_prefect() -> str:
    """Return flow runs with their parameters, task runs, artifacts and logs, as its server gives them."""
    await APILogHandler.aflush()
    async with get_client() as client:
        answers = [
            await client.request("POST", f"/{kind}/filter", json={"sort": order, "limit": NEWEST})
            for kind, order in NEWEST_FIRST.items()
        ]
    assert all(answer.json() for answer in answers)
    return "\n".join(answer.text for answer in answers)
