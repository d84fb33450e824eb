"""Adoption and reconciliation as a worker runs them: on Prefect, with their tables, sending no order."""

import asyncio
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.adopt_positions import adopt_positions
from flows.over_accounts import AccountsRequest
from flows.reconcile import reconcile
from models.adoption_report import AdoptionReport
from models.reconcile_report import ReconciliationReport
from models.store.heartbeats import heartbeats
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


def test_both_run_on_prefect_and_leave_a_table_and_a_sign_of_life(desk: Desk) -> None:
    trade = {"symbol": "ETH/USD", "side": "buy", "quantity": "2", "price": "90", "hours_ago": "5"}
    kraken = desk.opens(prices={"ETH": 100}, holds={"platform": {"ETH": 2}}, trades={"platform": [trade]})
    desk.write_fleet()
    request = AccountsRequest(fleet=str(desk.fleet))

    async def run() -> tuple[Any, Any, dict[str, str]]:
        adopted, compared = await adopt_positions(request), await reconcile(request)
        async with get_client() as client:
            keys = {"artifacts": {"key": {"any_": ["nija-adoption", "nija-reconciliation"]}}}
            found = (await client._client.post("/artifacts/filter", json=keys)).json()
        return adopted, compared, {row["key"]: row["data"] for row in found}

    adopted, compared, tables = asyncio.run(run())

    assert isinstance(adopted, AdoptionReport)
    assert isinstance(compared, ReconciliationReport)
    assert (adopted.exit_code, compared.exit_code) == (0, 0)
    assert '"entry_price": "90"' in tables["nija-adoption"]
    assert '"equity": "agrees"' in tables["nija-reconciliation"]
    assert {(b.pipeline, b.account, b.status) for b in desk.in_store(heartbeats)} >= {
        ("adopt", "platform", "ok"),
        ("reconcile", "platform", "ok"),
    }
    assert kraken.calls("place") == 0
