"""The fleet at a glance: every account as the store knows it, and what holds of all of them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from desk.desk import Desk
from flows.status import fleet_metrics
from models.breaker import Health
from models.metrics import AccountMetrics, FleetMetrics, PipelineMetrics
from models.reasons import Freshness

# What the figures of a fleet are made of: a page follows these.
TOPICS = (
    "heartbeats",
    "balances",
    "breakers",
    "freezes",
    "halts",
    "tracked_positions",
    "orders",
    "dust_marks",
    "operational_alerts",
    "verifications",
    "fleet",
)


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


class FleetFilter(BaseModel):
    """Which accounts are asked for; what is left out means all. `search`: a part of the account's id."""

    search: str = ""
    venue: str | None = None
    status: str | None = None
    concern: Concern | None = None
    only_concerns: bool = False


async def metrics_now(desk: Desk) -> FleetMetrics:
    """Measure the fleet; who asks while another does, or within a second, gets the same. Raises: StoreError."""
    return await desk.measured.get(lambda: fleet_metrics(desk.store, desk.fleet, desk.clock.now()))


async def summary(desk: Desk) -> FleetSummary:
    """Return what holds of the fleet as a whole. Raises: StoreError."""
    found = await metrics_now(desk)
    return FleetSummary(
        told_at=found.told_at,
        accounts=len(found.accounts),
        active=found.total_users_active,
        at_cap=found.users_at_cap,
        with_concerns=sum(bool(concerns_of(account)) for account in found.accounts),
        never_read=len(found.accounts_never_read),
        positions=found.global_position_count,
        positions_max=found.global_position_max,
        entries_stop_above=desk.fleet.limits.allows_entry_up_to,
        alerts=found.alerts,
        verification_pass_rate=found.verification_pass_rate,
        last_verification=found.last_verification_date,
        pipelines=found.pipelines,
        fleet_file=str(desk.fleet.path),
        fleet_problem=desk.fleet_problem,
    )


async def accounts(desk: Desk, wanted: FleetFilter | None = None) -> Sequence[FleetAccount]:
    """Return the accounts of the fleet that a filter means, in the order of the file. Raises: StoreError."""
    wanted = wanted or FleetFilter()
    found = await metrics_now(desk)
    rows = (FleetAccount(**dict(account), concerns=concerns_of(account)) for account in found.accounts)
    return [row for row in rows if _is_wanted(row, wanted)]


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


def _is_wanted(row: FleetAccount, wanted: FleetFilter) -> bool:
    return (
        wanted.search.lower() in row.account.lower()
        and wanted.venue in {None, row.venue}
        and wanted.status in {None, row.status}
        and (wanted.concern is None or wanted.concern in row.concerns)
        and (not wanted.only_concerns or bool(row.concerns))
    )
