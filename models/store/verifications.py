"""Verifications as they were made, with every check."""

from typing import Any

from sqlalchemy import Row, Select, insert, select

from models.store.engine import Store
from models.store.tables import VERIFICATIONS
from models.verification import CheckResult, VerificationReport, verification_report

_NEWEST_FIRST: Select[Any] = select(VERIFICATIONS).order_by(
    VERIFICATIONS.c.started_at.desc(), VERIFICATIONS.c.run_id.desc()
)


async def save_verification(store: Store, report: VerificationReport) -> None:
    """Keep a verification. Raises: StoreError; IntegrityError where one of its run is kept already."""
    row = report.model_dump(include={"run_id", "started_at", "finished_at", "passed", "failed"})
    checks = [check.model_dump(mode="json") for check in report.checks]
    await store.execute(insert(VERIFICATIONS).values(**row, checks=checks))


async def latest_verification(store: Store) -> VerificationReport | None:
    """Return the newest verification; None: there was none. Raises: StoreError."""
    return next(iter(await verifications(store, limit=1)), None)


async def verifications(store: Store, *, limit: int = 52) -> tuple[VerificationReport, ...]:
    """Return the verifications, newest first. Raises: StoreError."""
    return tuple(_report(row) for row in await store.rows(_NEWEST_FIRST.limit(limit)))


def _report(row: Row[Any]) -> VerificationReport:
    checks = [CheckResult.model_validate(check) for check in row.checks]
    return verification_report(row.run_id, row.started_at, row.finished_at, checks)
