"""History as a worker collects it: on Prefect, with tables to look at and signs of life."""

import asyncio
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.audit_history import AuditRequest, audit_history
from flows.collect_history import collect_history
from flows.fill_gaps import fill_gaps
from flows.history_request import HistoryRequest
from models.history_report import AuditOutcome, CollectReport
from models.store.alerts import alerts
from models.store.heartbeats import heartbeats
from tests.drills.desk import Desk
from tests.drills.past import punched, stored, wants

pytestmark = pytest.mark.wire

KEYS = ["nija-history", "nija-history-report", "nija-history-coverage", "nija-history-gaps", "nija-history-audit"]


def test_the_three_pipelines_leave_tables_and_signs_of_life(desk: Desk) -> None:
    venue = desk.opens("binance", prices={"BTC": 50000}, holds={"platform": {}})
    series = wants(desk, venue, "BTC/USDT", "1h", "20d")
    request = HistoryRequest(fleet=str(desk.fleet))

    async def run(flow: Any, asked: Any) -> Any:
        return await flow(asked)

    collected = asyncio.run(run(collect_history, request))
    candles = len(stored(desk, series))
    holes = punched(desk, series, 3, seed=1)
    filled = asyncio.run(run(fill_gaps, request))
    audited = asyncio.run(run(audit_history, AuditRequest(fleet=str(desk.fleet))))

    assert isinstance(collected, CollectReport)
    assert isinstance(filled, CollectReport)
    assert isinstance(audited, AuditOutcome)
    assert (collected.exit_code, collected.requests) == (0, 1)
    assert (filled.exit_code, filled.requests) == (0, len(holes))
    assert len(stored(desk, series)) == candles
    assert audited.passed == (not [a for a in desk.in_store(alerts) if a.alert.code == "HISTORY_AUDIT_FAILED"])
    beats = {(beat.pipeline, beat.account, beat.status) for beat in desk.in_store(heartbeats)}
    assert beats >= {(name, "*", "ok") for name in ("collect_history", "fill_gaps", "audit_history")}
    assert set(asyncio.run(_artifacts())) == set(KEYS)


async def _artifacts() -> dict[str, Any]:
    async with get_client() as client:
        asked = {"artifacts": {"key": {"any_": KEYS}}}
        found = (await client._client.post("/artifacts/filter", json=asked)).json()
    return {row["key"]: row["data"] for row in found}
