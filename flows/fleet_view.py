"""Read once what the store knows of a fleet: the watch judges it, and the status shows it. Reaches no venue."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from brokers.ledger import Ledger
from models.alert import FLEET
from models.balance import BalanceState
from models.breaker import BreakerStatus, Health
from models.dust import DustMark
from models.fleet import Fleet
from models.freeze import Freeze
from models.order import LedgerOrder
from models.store.balances import balances
from models.store.breakers import breakers
from models.store.counters import counts
from models.store.dust import blacklist
from models.store.engine import Store
from models.store.fleet_positions import TrackedAccount, tracked_accounts
from models.store.freezes import freezes
from models.store.halts import Halt, standing_halts
from models.store.heartbeats import Heartbeat, heartbeats
from models.store.leases import abandoned_leases
from models.store.runs import UnfinishedRun, unfinished_runs
from models.store.verifications import latest_verification
from models.verification import VerificationReport
from rules.limits import slots_tracked
from rules.watching import Beat, Facts, OpenOrder, OpenRun


@dataclass(frozen=True)
class FleetView:
    """What the store knows at one instant; `tracked`, `slots` and `balances` have every account of the fleet.

    What is asked for by account is sorted out once: fleets have a thousand of them.
    """

    now: datetime
    beats: tuple[Heartbeat, ...]
    runs: tuple[UnfinishedRun, ...]
    leases: dict[str, tuple[str, timedelta]]
    orders: tuple[LedgerOrder, ...]
    breakers: tuple[BreakerStatus, ...]
    freezes: tuple[Freeze, ...]
    balances: dict[str, BalanceState]
    halts: tuple[Halt, ...]
    tracked: dict[str, TrackedAccount]
    slots: dict[str, frozenset[str]]  # the symbols that take one, by account
    counts: Mapping[str, int]
    verification: VerificationReport | None

    @property
    def facts(self) -> Facts:
        """The same as the rules judge it."""
        return Facts(
            now=self.now,
            beats=[
                Beat(b.pipeline, b.account, b.last_seen, b.every, b.last_ok, b.status, b.detail) for b in self.beats
            ],
            runs=[OpenRun(r.pipeline, r.mode, r.started_at, r.worked_since) for r in self.runs],
            leases=self.leases,
            orders=[_open(order, self.now) for order in self.orders],
            breakers=self.breakers,
            freezes=self.freezes,
            balances={name: state for name, state in self.balances.items() if state.is_known or state.errors},
            halts=self.halts_by_account,
            positions=sum(map(len, self.slots.values())),
            counts=self.counts,
        )

    @cached_property
    def halts_by_account(self) -> dict[str, list[str]]:
        """What stopped each account that is stopped, in words."""
        found: dict[str, list[str]] = {}
        for one in self.halts:
            found.setdefault(one.account, []).append(f"{one.cause.value} {one.sentence}")
        return found

    @cached_property
    def last_beats(self) -> dict[str, Heartbeat]:
        """When each account was last seen by any pipeline, and what that came to."""
        found: dict[str, Heartbeat] = {}
        for beat in self.beats:
            known = found.get(beat.account)
            if beat.account != FLEET and (known is None or beat.last_seen > known.last_seen):
                found[beat.account] = beat
        return found

    @cached_property
    def frozen_by_account(self) -> dict[str, list[str]]:
        """The symbols of each account that are frozen, sorted."""
        found: dict[str, list[str]] = {}
        for freeze in self.freezes:
            if freeze.is_frozen:
                found.setdefault(freeze.account, []).append(freeze.symbol)
        return {account: sorted(symbols) for account, symbols in found.items()}

    @cached_property
    def undecided_by_account(self) -> Counter[str]:
        """How many orders of each account have no known end."""
        return Counter(order.intent.account for order in self.orders)

    @cached_property
    def health_by_way(self) -> dict[tuple[str, str], set[Health]]:
        """How well the ways to each venue are, by venue and account."""
        found: dict[tuple[str, str], set[Health]] = {}
        for breaker in self.breakers:
            found.setdefault((breaker.venue, breaker.account), set()).add(breaker.health_state)
        return found


async def view_of(store: Store, fleet: Fleet, now: datetime) -> FleetView:
    """Read it. Raises: StoreError."""
    names = [account.id for account in fleet.accounts]
    tracked = {one.account: one for one in await tracked_accounts(store, names)}
    marks: dict[str, dict[str, DustMark]] = {}
    for name, mark in await blacklist(store):
        marks.setdefault(name, {})[mark.symbol] = mark
    return FleetView(
        now=now,
        beats=await heartbeats(store),
        runs=await unfinished_runs(store),
        leases=await abandoned_leases(store),
        orders=await Ledger(store).all_undecided(),
        breakers=await breakers(store),
        freezes=await freezes(store),
        balances=await balances(store, names),
        halts=await standing_halts(store),
        tracked=tracked,
        slots={n: slots_tracked(tracked[n].values, fleet.policies[n], marks.get(n, {})) for n in names},
        counts=await counts(store, now=now),
        verification=await latest_verification(store),
    )


def _open(order: LedgerOrder, now: datetime) -> OpenOrder:
    since = order.sent_at or order.created_at or now
    return OpenOrder(order.intent.account, order.intent.symbol, order.intent.client_order_id, since)
