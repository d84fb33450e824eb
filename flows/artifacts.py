"""What a run leaves in the Prefect UI: a fleet summary, a table per account, and a report to read."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.markdown import NORMALIZE, markdown_report
from models.report import AccountReport, RunReport


async def publish(report: RunReport, pipeline: str = NORMALIZE) -> None:
    """Create the artifacts of a run. Keys are stable, so each has a version history."""
    of = "nija" if pipeline == NORMALIZE else f"nija-{_key(pipeline)}"
    await asyncio.gather(
        acreate_table_artifact(key=f"{of}-fleet", table=[_summary(a) for a in report.accounts], description="Fleet"),
        acreate_markdown_artifact(
            key=f"{of}-report", markdown=markdown_report(report, pipeline), description=report.run_id
        ),
        *_actions(report, "nija-account"),
    )


async def publish_plan(report: RunReport) -> None:
    """Create the artifacts of a plan that a person is asked about: it may be longer than the question."""
    await asyncio.gather(
        acreate_markdown_artifact(key="nija-plan", markdown=markdown_report(report), description=report.run_id),
        *_actions(report, "nija-plan"),
    )


def _actions(report: RunReport, of: str) -> list[Coroutine[Any, Any, Any]]:
    return [
        acreate_table_artifact(
            key=f"{of}-{_key(a.account)}", table=[_action(x) for x in a.actions], description=a.status
        )
        for a in report.accounts
        if a.actions
    ]


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _summary(account: AccountReport) -> dict[str, Any]:
    return {
        "account": account.account,
        "status": account.status.value,
        "cap": account.cap,
        "holdings": f"{_n(account.holdings_before)} → {_n(account.holdings_after)}",
        "positions": f"{_n(account.positions_before)} → {_n(account.positions_after)}",
        "dust": len(account.dust),
        "unvalued": ", ".join(account.unvalued),
        "cash": account.cash_usd or "unknown",
        "errors": ", ".join(sorted({e.code for e in account.errors})),
    }


def _action(action: Any) -> dict[str, Any]:
    return {key: value for key, value in action.model_dump(mode="json").items() if key != "client_order_id"}


def _n(number: int | None) -> str:
    return "unknown" if number is None else str(number)
