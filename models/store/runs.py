"""Runs, plans and per-account results: the history that a report is read back from."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from models.amounts import plain
from models.plan import Plan
from models.reasons import AccountStatus, Mode
from models.store.engine import Store
from models.store.tables import ACCOUNT_RUNS, PLANS, RUNS


async def start_run(store: Store, run_id: str, *, pipeline: str, mode: str, fleet: str, now: datetime) -> None:
    """Record that a run began."""
    await store.execute(insert(RUNS).values(run_id=run_id, pipeline=pipeline, mode=mode, fleet=fleet, started_at=now))


async def finish_run(store: Store, run_id: str, *, now: datetime) -> None:
    """Record that a run ended."""
    await store.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(finished_at=now))


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
    await store.execute(
        insert(ACCOUNT_RUNS).values(
            run_id=run_id,
            account=account,
            mode=mode.value,
            policy_version=policy_version,
            status=status.value,
            finished_at=now,
            report=report,
        ),
    )


async def save_plan(store: Store, plan: Plan, *, run_id: str, cycle: int, mode: Mode) -> None:
    """Keep a plan as it was made, before anything of it is sent."""
    await store.execute(
        insert(PLANS).values(
            account=plan.account,
            mode=mode.value,
            policy_version=plan.policy_version,
            plan_id=plan.plan_id,
            content_hash=plan.content_hash,
            run_id=run_id,
            cycle=cycle,
            made_at=plan.made_at,
            expires_at=plan.expires_at,
            actions=[
                {
                    "kind": a.kind,
                    "symbol": a.symbol,
                    "quantity": plain(a.quantity),
                    "value": plain(a.value),
                    "reason": a.reason,
                    "detail": a.detail,
                }
                for a in plan.actions
            ],
            skips=[{"symbol": s.symbol, "reason": s.reason, "detail": s.detail} for s in plan.skips],
        ),
    )
