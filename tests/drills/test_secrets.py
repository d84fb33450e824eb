"""After a run in which much went wrong, no key and no secret is found anywhere that is kept or shown."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogHandler
from sqlmodel import SQLModel

from flows.exporter.endpoint import written
from models.log_lines import JsonLine
from models.store.engine import Store
from tests.drills.desk import Desk
from tests.drills.measured import reading_of

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
    desk.hurries()
    desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    kraken = desk.worth(HELD, faults=_faults("USD"))
    binance = desk.worth(HELD, account="second", venue="binance", faults=_faults("USDT"))
    revoked = {"operation": "balance", "fault": "auth_revoked", "times": None}
    third = desk.worth(HELD, account="third", venue="binance", faults=[revoked])
    # an error whose text holds the whole address, signature included
    down = {"operation": "balance", "fault": "status", "times": None}
    fourth = desk.worth(HELD, account="fourth", venue="binance", faults=[down])

    with _logged() as (records, lines):
        report = desk.normalize()

    out, err = capfd.readouterr()
    places = {
        "report": report.model_dump_json(),
        "stdout": out,
        "stderr": err,
        "log records": "\n".join(records),
        "JSON log": lines.getvalue(),
        "metrics page": written(reading_of(desk), "")[0].decode(),
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
    assert all("order outcome unknown" in places[place] for place in ("log records", "JSON log"))
    assert all(f'account="{account}"' in places["metrics page"] for account in venues)
    told = [json.loads(line) for line in places["JSON log"].splitlines()]
    assert {line["run"] for line in told if line["message"] == "account metrics"} == {report.run_id}


class _Raw(logging.Handler):
    """Keeps records as the code made them: nobody has taken anything out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def addFilter(self, filter: object) -> None:  # noqa: A002, N802 - the name of the base class
        pass

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(str(vars(record)))


@contextmanager
def _logged() -> Iterator[tuple[list[str], StringIO]]:
    """Keep what is logged meanwhile: every record as it was made, and the lines of the JSON log."""
    root, raw, lines = logging.getLogger(), _Raw(), StringIO()
    as_json = logging.StreamHandler(lines)
    as_json.setFormatter(JsonLine())
    root.handlers.insert(0, raw)  # ahead of those that take secrets out
    root.addHandler(as_json)
    try:
        yield raw.records, lines
    finally:
        root.removeHandler(raw)
        root.removeHandler(as_json)


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
