"""What the watch, a start-up and `nija alerts` say. Fields are kept and grow only by addition."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.adoption_report import AdoptionReport
from models.alert import OperationalAlert, Severity, StandingAlert
from models.alert_report import UserAlertReport
from models.metrics import FleetMetrics
from models.reconcile_report import ReconciliationReport
from models.report import RecoveryReport, RunReport

_NAMED = 3  # symbols of a folded row


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class MatterReport(_Part):
    """Something a person must know. `symbol`: of a pipeline that is watched, its name."""

    code: str
    severity: Severity
    account: str
    symbol: str
    message: str


class RestartReport(_Part):
    """A pipeline that was to be started again. `why`: what kept it off, empty where it was started."""

    pipeline: str
    deployment: str
    started: bool
    why: str = ""


class WatchReport(_Part):
    """One look at the fleet: what stands, what of it is new, and what is over."""

    told_at: datetime
    matters: list[MatterReport]
    new: list[MatterReport]
    over: list[MatterReport]
    restarts: list[RestartReport] = []

    @property
    def exit_code(self) -> int:
        """0 nothing stands; 3 something does."""
        return 3 if self.matters else 0


class StartUpReport(_Part):
    """What an operator must know before anything trades. `ended`: dead runs that were closed on the way."""

    started_at: datetime
    finished_at: datetime
    outcome: Literal["nothing_to_know", "something_to_know"]
    matters: list[MatterReport]
    ended: int
    recovery: RecoveryReport
    adoption: AdoptionReport
    reconciliation: ReconciliationReport
    plan: RunReport
    status: FleetMetrics

    @property
    def exit_code(self) -> int:
        """0 there is nothing to know; 3 there is."""
        return 3 if self.matters else 0


class AlertReport(_Part):
    """One alert as `nija alerts list` shows it."""

    alert_id: int
    code: str
    severity: Severity
    account: str
    symbol: str
    message: str
    raised_at: datetime
    last_at: datetime
    times: int
    acknowledged_by: str | None
    closed_at: datetime | None


class AlertList(_Part):
    """Alerts, newest first, and those that people made."""

    alerts: list[AlertReport]
    mine: list[UserAlertReport] = []


def matter(alert: OperationalAlert) -> MatterReport:
    """Return an alert as the outside reads it."""
    return MatterReport(
        code=alert.code,
        severity=alert.severity,
        account=alert.account,
        symbol=alert.symbol,
        message=alert.message,
    )


def folded(matters: Iterable[MatterReport]) -> list[MatterReport]:
    """Return matters to read: those of one account and one code in one row, which counts them and names the first.

    What is critical stands by itself, each with its own words. A row that stands for several has no symbol. A row
    stands where the first of its matters did.
    """
    groups: dict[tuple[str, ...], list[MatterReport]] = {}
    for one in matters:
        apart = one.symbol if one.severity is Severity.CRITICAL else ""
        groups.setdefault((one.severity, one.account, one.code, apart), []).append(one)
    return [alike[0] if len(alike) == 1 else _folded(alike) for alike in groups.values()]


def _folded(alike: list[MatterReport]) -> MatterReport:
    first, *_ = alike
    names = ", ".join(m.symbol for m in alike[:_NAMED] if m.symbol)
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    words = {m.message for m in alike}
    said = first.message if len(words) == 1 else f"{first.symbol or 'the first'}: {first.message}"
    return first.model_copy(update={"symbol": "", "message": f"{len(alike)}: {names}{more}. {said}"})


def alert_report(standing: StandingAlert) -> AlertReport:
    """Return an alert with its history, as the outside reads it."""
    return AlertReport(
        **matter(standing.alert).model_dump(),
        alert_id=standing.alert_id,
        raised_at=standing.raised_at,
        last_at=standing.last_at,
        times=standing.times,
        acknowledged_by=standing.acknowledged_by,
        closed_at=standing.closed_at,
    )
