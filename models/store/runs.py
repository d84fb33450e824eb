"""Runs, plans and per-account results: the history that a report is read back from."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from models.amounts import plain
from models.plan import Action, Plan
from models.reasons import AccountStatus, Mode
from models.store.engine import Store
from models.store.tables import ACCOUNT_RUNS, PLANS, RUNS


async def start_run(
    store: Store, run_id: str, *, pipeline: str, mode: str, fleet: str, now: datetime, flow_run_id: str | None = None
) -> None:
    """Record that a run began. Raises: IntegrityError while another one of the same flow run has not ended."""
    row = {"run_id": run_id, "pipeline": pipeline, "mode": mode, "fleet": fleet, "started_at": now}
    await store.execute(insert(RUNS).values(row | {"flow_run_id": flow_run_id}))


async def finish_run(store: Store, run_id: str, *, now: datetime) -> None:
    """Record that a run ended."""
    await store.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(finished_at=now))


async def end_runs_of(store: Store, flow_run_id: str, *, now: datetime) -> int:
    """Record that what a dead process began for a flow run is over; return how many runs that were."""
    left = update(RUNS).where(RUNS.c.flow_run_id == flow_run_id, RUNS.c.finished_at.is_(None))
    return await store.execute(left.values(finished_at=now))


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that began and has not ended; `worked_since`: when a later run of its pipeline ended, None: none did."""

    run_id: str
    pipeline: str
    mode: str
    started_at: datetime
    worked_since: datetime | None = None


async def unfinished_runs(store: Store) -> tuple[UnfinishedRun, ...]:
    """Return every run that has not ended, oldest first. Raises: StoreError."""
    later = RUNS.alias()
    worked = select(func.max(later.c.finished_at)).where(
        later.c.pipeline == RUNS.c.pipeline, later.c.started_at > RUNS.c.started_at
    )
    columns = (RUNS.c.run_id, RUNS.c.pipeline, RUNS.c.mode, RUNS.c.started_at, worked.scalar_subquery().label("worked"))
    query = select(*columns).where(RUNS.c.finished_at.is_(None)).order_by(RUNS.c.started_at)
    rows = await store.rows(query)
    return tuple(UnfinishedRun(r.run_id, r.pipeline, r.mode, r.started_at, r.worked) for r in rows)


async def end_runs(store: Store, run_ids: Collection[str], *, now: datetime) -> int:
    """Record that runs are over whose process is dead; return how many had no end yet. Raises: StoreError."""
    dead = update(RUNS).where(RUNS.c.run_id.in_(run_ids), RUNS.c.finished_at.is_(None))
    return await store.execute(dead.values(finished_at=now)) if run_ids else 0


@dataclass(frozen=True, slots=True)
class AccountRun:
    """What a run made of one account; `report` is the account's part of the report."""

    account: str
    mode: Mode
    policy_version: str
    status: AccountStatus
    report: dict[str, Any]


async def save_account_run(
    store: Store,
    run_id: str,
    *,
    account: str,
    mode: Mode,
    policy_version: str,
    status: AccountStatus,
    report: dict[str, Any],
    now: datetime,
) -> None:
    """Keep what a run made of one account."""
    whole = AccountRun(account, mode, policy_version, status, report)
    await store.execute(insert(ACCOUNT_RUNS), _account_run(run_id, whole, now))


async def save_whole_run(
    store: Store,
    run_id: str,
    *,
    pipeline: str,
    mode: str,
    fleet: str,
    began: datetime,
    now: datetime,
    accounts: Collection[AccountRun] = (),
) -> None:
    """Record a run that is over, with what it made of its accounts, in one transaction. Raises: StoreError."""
    run = {"run_id": run_id, "pipeline": pipeline, "mode": mode, "fleet": fleet, "started_at": began}

    def save(connection: Connection) -> None:
        connection.execute(insert(RUNS), run | {"finished_at": now})
        for account in accounts:
            connection.execute(insert(ACCOUNT_RUNS), _account_run(run_id, account, now))

    await store.write(save)


async def save_plan(store: Store, plan: Plan, *, run_id: str, cycle: int, mode: Mode) -> None:
    """Keep a plan as it was made, before anything of it is sent."""
    await store.write(lambda connection: keep_plan(connection, plan, run_id=run_id, cycle=cycle, mode=mode))


def keep_plan(connection: Connection, plan: Plan, *, run_id: str, cycle: int, mode: Mode) -> None:
    """Keep the same in a transaction of the caller's own."""
    row = {
        "account": plan.account,
        "mode": mode.value,
        "policy_version": plan.policy_version,
        "plan_id": plan.plan_id,
        "content_hash": plan.content_hash,
        "run_id": run_id,
        "cycle": cycle,
        "made_at": plan.made_at,
        "expires_at": plan.expires_at,
        "actions": [
            {
                "kind": a.kind,
                "symbol": a.symbol,
                "quantity": plain(a.quantity),
                "value": plain(a.value),
                "reason": a.reason,
                "detail": a.detail,
                **_exit_facts(a),
            }
            for a in plan.actions
        ],
        "skips": [{"symbol": s.symbol, "reason": s.reason, "detail": s.detail} for s in plan.skips],
    }
    connection.execute(insert(PLANS), row)


def _account_run(run_id: str, made: AccountRun, now: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "account": made.account,
        "mode": made.mode.value,
        "policy_version": made.policy_version,
        "status": made.status.value,
        "finished_at": now,
        "report": made.report,
    }


def _exit_facts(action: Action) -> dict[str, str]:
    """Return what an exit was decided on: its P&L is counted from that later, when the position is gone."""
    facts = {} if action.entry_price is None else {"entry_price": plain(action.entry_price)}
    return facts if action.held_since is None else facts | {"held_since": action.held_since.isoformat()}
