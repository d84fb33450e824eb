"""The fleet at a glance: every account as the store knows it, and what holds of all of them."""

from collections.abc import Sequence

from pydantic import BaseModel

from desk.desk import Desk
from desk.views.measured import Concern, FleetAccount, FleetSummary, Measured, measure

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


class FleetFilter(BaseModel, frozen=True):
    """Which accounts are asked for; what is left out means all. `search`: a part of the account's id."""

    search: str = ""
    venue: str | None = None
    status: str | None = None
    concern: Concern | None = None
    only_concerns: bool = False


async def measured(desk: Desk) -> Measured:
    """Measure the fleet; who asks while another does, or within a second, gets the same. Raises: StoreError."""
    return await desk.measured.get(lambda: measure(desk.store, desk.fleet, desk.clock.now(), desk.fleet_problem))


async def summary(desk: Desk) -> FleetSummary:
    """Return what holds of the fleet as a whole. Raises: StoreError."""
    return (await measured(desk)).summary


async def accounts(desk: Desk, wanted: FleetFilter | None = None) -> Sequence[FleetAccount]:
    """Return the accounts of the fleet that a filter means, in the order of the file. Raises: StoreError."""
    rows = (await measured(desk)).rows
    if wanted is None or wanted == FleetFilter():
        return rows
    return [row for row in rows if _is_wanted(row, wanted)]


def _is_wanted(row: FleetAccount, wanted: FleetFilter) -> bool:
    return (
        wanted.search.lower() in row.account.lower()
        and wanted.venue in {None, row.venue}
        and wanted.status in {None, row.status}
        and (wanted.concern is None or wanted.concern in row.concerns)
        and (not wanted.only_concerns or bool(row.concerns))
    )
