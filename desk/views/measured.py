"""The fleet as it was measured last, in the shape that the API and the pages show: made once for all who look on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from flows.status import fleet_metrics
from models.breaker import Health
from models.fleet import Fleet
from models.metrics import AccountMetrics, FleetMetrics, PipelineMetrics
from models.reasons import Freshness
from models.store.engine import Store


class Concern(StrEnum):
    """What may be wrong with an account, worst first."""

    HALTED = "halted"
    OFFLINE = "offline"
    OVER_CAP = "over_cap"
    UNDECIDED = "undecided"
    UNREAD = "unread"
    STALE = "stale"
    UNVALUED = "unvalued"
    FROZEN = "frozen"
    LAST_RUN = "last_run"


class FleetAccount(AccountMetrics):
    """One account, and what is wrong with it; empty: all is right."""

    concerns: list[Concern]


class FleetSummary(BaseModel):
    """What holds of all accounts together. `fleet_problem`: why the fleet file as it is now is not what is shown."""

    model_config = ConfigDict(frozen=True)

    told_at: datetime
    accounts: int
    active: int
    at_cap: int
    with_concerns: int
    never_read: int
    positions: int
    positions_max: int
    entries_stop_above: int
    alerts: dict[str, int]
    verification_pass_rate: float | None
    last_verification: datetime | None
    pipelines: list[PipelineMetrics]
    fleet_file: str
    fleet_problem: str


@dataclass(frozen=True)
class Measured:
    """One measurement: every account in the order of the file, and what holds of all of them."""

    rows: tuple[FleetAccount, ...]
    summary: FleetSummary

    def row(self, account: str) -> FleetAccount | None:
        """Return one account; None: it was not in the fleet then."""
        return next((row for row in self.rows if row.account == account), None)


async def measure(store: Store, fleet: Fleet, now: datetime, problem: str) -> Measured:
    """Measure the fleet from what the store knows. `problem`: of the fleet file as it is now. Raises: StoreError."""
    found = await fleet_metrics(store, fleet, now)
    # They were validated a moment ago, each of a thousand.
    rows = tuple(FleetAccount.model_construct(**dict(one), concerns=concerns_of(one)) for one in found.accounts)
    return Measured(rows, _summary(found, rows, fleet, problem))


def _summary(found: FleetMetrics, rows: tuple[FleetAccount, ...], fleet: Fleet, problem: str) -> FleetSummary:
    return FleetSummary(
        told_at=found.told_at,
        accounts=len(rows),
        active=found.total_users_active,
        at_cap=found.users_at_cap,
        with_concerns=sum(bool(row.concerns) for row in rows),
        never_read=len(found.accounts_never_read),
        positions=found.global_position_count,
        positions_max=found.global_position_max,
        entries_stop_above=fleet.limits.allows_entry_up_to,
        alerts=found.alerts,
        verification_pass_rate=found.verification_pass_rate,
        last_verification=found.last_verification_date,
        pipelines=found.pipelines,
        fleet_file=str(fleet.path),
        fleet_problem=problem,
    )


def concerns_of(account: AccountMetrics) -> list[Concern]:
    """Return what is wrong with an account, worst first."""
    over = account.positions is not None and account.positions > account.cap
    found = {
        Concern.HALTED: bool(account.halts),
        Concern.OFFLINE: account.breaker is Health.OFFLINE,
        Concern.OVER_CAP: over,
        Concern.UNDECIDED: account.undecided > 0,
        Concern.UNREAD: account.positions is None,
        Concern.STALE: account.balance.state is Freshness.STALE,
        Concern.UNVALUED: bool(account.unvalued),
        Concern.FROZEN: bool(account.frozen),
        Concern.LAST_RUN: account.status in {"failed", "blocked", "mismatch"},
    }
    return [concern for concern in Concern if found[concern]]
