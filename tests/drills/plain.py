"""Run the flow of one account without a Prefect server: its tasks replaced by the functions they wrap."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Task

import flows.account
from brokers import hub, orders
from flows.account import normalize_account
from models.report import AccountReport
from models.scope import Scope
from models.store.runs import start_run
from tasks.runtime import Runtime
from tests.drills.desk import Desk

LAST_POLL = timedelta(seconds=1)  # what is not known at once is looked up at least so often, and given up sooner


def plain_tasks() -> dict[str, Any]:
    """Return what each task of the flow wraps, by its name in the flow's module."""
    return {name: task.fn for name, task in vars(flows.account).items() if isinstance(task, Task)}


def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the flow call its steps directly, for the length of a test."""
    for name, function in plain_tasks().items():
        monkeypatch.setattr(flows.account, name, function)


@contextmanager
def plain_desk(home: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Open a desk whose flows call their steps directly, as fast as the venue answers."""
    without_prefect(monkeypatch)
    without_throttle(monkeypatch)
    monkeypatch.setattr(orders, "LAST_POLL", LAST_POLL)
    with Desk(home, store_url, monkeypatch) as desk:
        desk.on_prefect = False
        yield desk


def without_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every call leave at once: it would wait for an allowance that the simulated venue does not keep."""
    built = hub.build_client

    def build(*args: Any, **kwargs: Any) -> Any:
        client = built(*args, **kwargs)
        client.gate = None
        return client

    monkeypatch.setattr(hub, "build_client", build)


def normalize(desk: Desk) -> list[AccountReport]:
    """Normalise every account of the desk, one after the other."""

    async def run(runtime: Runtime) -> list[AccountReport]:
        return [await normalize_at(runtime, account.id) for account in runtime.fleet.accounts]

    return desk.at_runtime(run)


async def normalize_at(
    runtime: Runtime, account_id: str, *, live: bool = True, scope: Scope = Scope.ALL
) -> AccountReport:
    """Normalise one account as a run of its own."""
    run_id = str(uuid.uuid4())
    (account,) = runtime.fleet.choose([account_id])
    now, fleet = runtime.clock.now(), str(runtime.fleet.path)
    await start_run(runtime.store, run_id, pipeline="normalize", mode="live", fleet=fleet, now=now)
    return await normalize_account(runtime, account, run_id=run_id, live=live, scope=scope)
