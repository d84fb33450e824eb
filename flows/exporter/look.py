"""Look once at fleet file and store for the metrics. Nothing is written, and no venue is asked."""

from dataclasses import dataclass
from datetime import datetime

from flows.exporter.table import RUN_SECONDS
from flows.fleet_view import FleetView, view_of
from flows.status import fleet_metrics
from flows.throttle_view import throttle_report
from models.alert import StandingAlert
from models.fleet import Fleet
from models.metrics import FleetMetrics
from models.reconciliation import Reconciliation
from models.store.alerts import alerts
from models.store.engine import Store
from models.store.history import History, history
from models.store.leases import standing_leases
from models.store.reconciliations import reconciliations
from models.store.throttles import known_levels
from models.throttle import ThrottleReport

_MOST_ALERTS = 10_000


@dataclass(frozen=True, slots=True)
class Look:
    """What the store says of a fleet at one instant."""

    fleet: Fleet
    status: FleetMetrics
    view: FleetView
    past: History
    alerts: tuple[StandingAlert, ...]
    held: frozenset[str]  # the names of the leases
    reconciliations: dict[str, Reconciliation]
    throttles: tuple[ThrottleReport, ...]


async def look_at(store: Store, fleet: Fleet, now: datetime, *, limits_factor: float, past: History | None) -> Look:
    """Look; `past`: what is known of it already, None: it is read. Raises: StoreError."""
    view = await view_of(store, fleet, now)
    return Look(
        fleet=fleet,
        status=await fleet_metrics(store, fleet, now, view=view),
        view=view,
        past=past or await history(store, RUN_SECONDS),
        alerts=await alerts(store, limit=_MOST_ALERTS),
        held=frozenset(await standing_leases(store)),
        reconciliations=await reconciliations(store),
        throttles=tuple(throttle_report(known, limits_factor) for known in await known_levels(store)),
    )
