"""The check of alerts as a worker runs it: on Prefect, with a sign of life at its end."""

import asyncio
from typing import Any

import pytest

from flows.alerts import AlertsRequest, check_alerts
from models.alert_report import AlertCheckReport
from models.store.heartbeats import heartbeats
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire


def test_the_check_of_alerts_runs_on_prefect_and_leaves_a_sign_of_life(desk: Desk) -> None:
    kraken = desk.opens(prices={"ETH": 100}, holds={"platform": {"ETH": 2}})
    desk.write_fleet()

    report: Any = asyncio.run(check_alerts(AlertsRequest(fleet=str(desk.fleet))))

    assert isinstance(report, AlertCheckReport)
    assert (report.checked, report.delivered, report.exit_code) == (0, [], 0)
    assert {"check_alerts"} == {beat.pipeline for beat in desk.in_store(heartbeats) if beat.status == "ok"}
    assert kraken.calls("tickers") == 0
