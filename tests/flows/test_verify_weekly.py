"""The weekly verification as a worker runs it: on Prefect, with its artifacts, also where its drills cannot run."""

import asyncio
import sys
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from flows.over_accounts import AccountsRequest
from flows.verify_weekly import verify_weekly
from models.store.heartbeats import heartbeats
from models.verification import VerificationReport
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


def test_it_leaves_a_table_a_report_to_read_and_a_sign_of_life(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    kraken = desk.worth({"BTC": 1000})
    desk.write_fleet()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    async def run() -> tuple[Any, dict[str, str]]:
        report = await verify_weekly(AccountsRequest(fleet=str(desk.fleet)))
        async with get_client() as client:
            keys = {"artifacts": {"key": {"any_": ["nija-verification", "nija-verification-report"]}}}
            found = (await client._client.post("/artifacts/filter", json=keys)).json()
        return report, {row["key"]: row["data"] for row in found}

    report, artifacts = asyncio.run(run())

    assert isinstance(report, VerificationReport)
    assert report.exit_code == 3  # the rules were not asked
    assert '"name": "symbols"' in artifacts["nija-verification"]
    assert "## Failed" in artifacts["nija-verification-report"]
    assert {(b.pipeline, b.account, b.status) for b in desk.in_store(heartbeats)} >= {
        ("verify_weekly", "platform", "ok"),
        ("verify_weekly", "*", "ok"),
    }
    assert kraken.calls("place") == 0
