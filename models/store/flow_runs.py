"""What a flow run of Prefect left in our store: found by its id, which is all that who started it knows."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.store.engine import Store
from models.store.tables import ACCOUNT_RUNS, PLANS, RUNS


async def run_of_flow_run(store: Store, flow_run_id: str) -> str | None:
    """Return the newest run that a flow run began; None: none yet. Raises: StoreError."""
    query = select(RUNS.c.run_id).where(RUNS.c.flow_run_id == flow_run_id).order_by(RUNS.c.started_at.desc()).limit(1)
    rows = await store.rows(query)
    return str(rows[0].run_id) if rows else None


async def account_report_of(store: Store, run_id: str, account: str) -> dict[str, Any] | None:
    """Return what a run made of an account; None: it is not over. Raises: StoreError."""
    mine = (ACCOUNT_RUNS.c.run_id == run_id, ACCOUNT_RUNS.c.account == account)
    rows = await store.rows(select(ACCOUNT_RUNS.c.report).where(*mine))
    return dict(rows[0].report) if rows else None


async def newest_plan(store: Store, account: str) -> tuple[str, str, datetime] | None:
    """Return the id and the hash of the plan that was made last of an account, and until when it is good.

    None: there was none. Raises: StoreError.
    """
    columns = (PLANS.c.plan_id, PLANS.c.content_hash, PLANS.c.expires_at)
    mine = select(*columns).where(PLANS.c.account == account)
    rows = await store.rows(mine.order_by(PLANS.c.made_at.desc()).limit(1))
    return None if not rows else (rows[0].plan_id, rows[0].content_hash, rows[0].expires_at)
