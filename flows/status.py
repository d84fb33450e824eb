"""Measure the fleet from what the store knows of it: what `nija status` shows. Asks no venue."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from flows.balance_report import balance_report
from flows.fleet_view import FleetView, view_of
from models.breaker import EVERYBODY, Health
from models.fleet import Account, Fleet
from models.metrics import AccountMetrics, FleetMetrics, Happened, PipelineMetrics
from models.store.alerts import alerts
from models.store.counters import counts
from models.store.engine import Store
from models.store.heartbeats import PIPELINE, Heartbeat

ACTIVE = timedelta(hours=24)
_WORST = (Health.OFFLINE, Health.DEGRADED, Health.HEALTHY)
_MOST_ALERTS = 10_000


async def fleet_metrics(store: Store, fleet: Fleet, now: datetime, *, view: FleetView | None = None) -> FleetMetrics:
    """Measure every account of the fleet and the whole of it. Raises: StoreError."""
    view = view or await view_of(store, fleet, now)
    accounts = [_account(view, fleet, account) for account in fleet.accounts]
    week, standing = await counts(store, now=now, days=7), await alerts(store, limit=_MOST_ALERTS)
    last = view.verification
    severities = [one.alert.severity.value for one in standing]
    return FleetMetrics(
        told_at=now,
        last_verification_date=None if last is None else last.finished_at,
        verification_pass_rate=None if last is None else last.pass_rate,
        failed_checks=[] if last is None else [check.title for check in last.failures],
        total_users_active=sum(account.active for account in accounts),
        users_at_cap=sum(account.at_cap is True for account in accounts),
        global_position_count=sum(account.positions or 0 for account in accounts),
        global_position_max=fleet.limits.max_positions_total,
        accounts_never_read=[account.account for account in accounts if account.positions is None],
        low_balance_warnings=_happened("low_balance_warnings", view.counts, week),
        high_volatility_adjustments=_happened("volatility_adjustments", view.counts, week),
        fallback_activations=_happened("fallback_activations", view.counts, week),
        alerts={severity: severities.count(severity) for severity in sorted(set(severities))},
        pipelines=[_pipeline(beat) for beat in view.beats if beat.account == PIPELINE],
        accounts=accounts,
    )


def _account(view: FleetView, fleet: Fleet, account: Account) -> AccountMetrics:
    policy, beat, balance = fleet.policies[account.id], view.last_beats.get(account.id), view.balances[account.id]
    tracked, slots = view.tracked[account.id], view.slots[account.id]
    is_read, seen = tracked.read_at is not None, None if beat is None else beat.last_seen
    shared = sum(len(view.slots[sibling.id]) for sibling in fleet.siblings(account))
    return AccountMetrics(
        account=account.id,
        kind=account.kind.value,
        venue=account.venue,
        status=None if beat is None else beat.status,
        last_run=None if beat is None else beat.pipeline,
        last_seen=seen,
        active=seen is not None and view.now - seen <= ACTIVE,
        positions=len(slots) if is_read else None,
        cap=policy.max_positions,
        at_cap=len(slots) + shared >= policy.max_positions if is_read else None,
        dust=len(tracked.values) - len(slots) if is_read else None,
        unvalued=sorted(symbol for symbol, value in tracked.values.items() if value is None),
        balance=balance_report(balance, policy, account.quote, view.now),
        breaker=_worst(view, account),
        halts=view.halts_by_account.get(account.id, []),
        frozen=view.frozen_by_account.get(account.id, []),
        undecided=view.undecided_by_account[account.id],
    )


def _pipeline(beat: Heartbeat) -> PipelineMetrics:
    return PipelineMetrics(
        pipeline=beat.pipeline,
        status=beat.status,
        last_seen=beat.last_seen,
        last_ok=beat.last_ok,
        every_seconds=None if beat.every is None else beat.every.total_seconds(),
    )


def _worst(view: FleetView, account: Account) -> Health | None:
    """How well the account's worst way to its venue is, what all its accounts read together included.

    None: nobody went that way yet.
    """
    known = view.health_by_way
    ways = {*known.get((account.venue, account.id), ()), *known.get((account.venue, EVERYBODY), ())}
    return next((health for health in _WORST if health in ways), None)


def _happened(name: str, today: Mapping[str, int], week: Mapping[str, int]) -> Happened:
    return Happened(today=today.get(name, 0), in_7_days=week.get(name, 0))
