"""Run the flow of one account without a Prefect server: its tasks replaced by the functions they wrap."""

from typing import Any

import pytest
from prefect import Task

import flows.account
from flows.account import normalize_account
from models.report import AccountReport
from models.store.runs import start_run
from tasks.runtime import Runtime
from tests.drills.desk import Desk


def plain_tasks() -> dict[str, Any]:
    """Return what each task of the flow wraps, by its name in the flow's module."""
    return {name: task.fn for name, task in vars(flows.account).items() if isinstance(task, Task)}


def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the flow call its steps directly, for the length of a test."""
    for name, function in plain_tasks().items():
        monkeypatch.setattr(flows.account, name, function)


def normalize(desk: Desk, run_id: str = "again") -> list[AccountReport]:
    """Normalise every account of the desk, one after the other."""

    async def run(runtime: Runtime) -> list[AccountReport]:
        return [await normalize_at(runtime, account.id, run_id) for account in runtime.fleet.accounts]

    return desk.at_runtime(run)


async def normalize_at(runtime: Runtime, account_id: str, run_id: str) -> AccountReport:
    """Normalise one account as a run of its own."""
    (account,) = runtime.fleet.choose([account_id])
    now, fleet = runtime.clock.now(), str(runtime.fleet.path)
    await start_run(runtime.store, f"{run_id} {account_id}", pipeline="normalize", mode="live", fleet=fleet, now=now)
    return await normalize_account(runtime, account, run_id=f"{run_id} {account_id}", live=True)
