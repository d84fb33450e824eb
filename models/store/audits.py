"""Audits of the history as they were made."""

from typing import Any

from sqlalchemy import Select, insert, select
from sqlmodel import SQLModel

import models.store.history_tables  # noqa: F401 - declares the table
from models.audit import AuditReport
from models.store.engine import Store

_AUDITS = SQLModel.metadata.tables["history_audits"]
_NEWEST_FIRST: Select[Any] = select(_AUDITS.c.document).order_by(_AUDITS.c.audit_id.desc())


async def save_audit(store: Store, report: AuditReport) -> int:
    """Keep an audit; return its number. Raises: StoreError."""
    figures = {
        name: getattr(report, name) for name in ("started_at", "finished_at", "passed", "expectations", "failures")
    }
    row = insert(_AUDITS).values(**figures, document=report.model_dump(mode="json")).returning(_AUDITS.c.audit_id)
    return await store.write(lambda connection: int(connection.execute(row).scalar_one()))


async def latest_audit(store: Store) -> AuditReport | None:
    """Return the newest audit; None: there was none. Raises: StoreError."""
    found = await audits(store, limit=1)
    return found[0] if found else None


async def audits(store: Store, *, limit: int) -> tuple[AuditReport, ...]:
    """Return the newest audits, the newest first. Raises: StoreError."""
    rows = await store.rows(_NEWEST_FIRST.limit(limit))
    return tuple(AuditReport.model_validate(row.document) for row in rows)
