"""Count what the fleet's other accounts hold, from what is tracked of them: no entry waits for a whole fleet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.dust import DustMark
from models.fleet import Account
from models.report import ErrorReport
from models.store.dust import blacklist
from models.store.fleet_positions import TrackedAccount, tracked_accounts
from models.store.reservations import Reservation
from rules.balance import span_words
from rules.limits import slots_tracked
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The slots of accounts that are not read now: which, as of when, and what must be known about that.

    An account that was never read counts nothing: one that cannot be reached must not stop the others, and can itself
    enter nothing before it is read.
    """

    slots: frozenset[tuple[str, str]] = frozenset()  # account and symbol
    read_at: dict[str, datetime | None] = field(default_factory=dict)
    warnings: tuple[ErrorReport, ...] = ()

    def counted(self, reserved: Collection[Reservation]) -> int:
        """Return how many there are together with what was promised since."""
        return len(self.slots | {(r.account, r.symbol) for r in reserved if r.account in self.read_at})


async def count_elsewhere(runtime: Runtime, accounts: Sequence[Account]) -> Elsewhere:
    """Count the slots of these accounts from what is tracked of them. Raises: StoreError."""
    if not accounts:
        return Elsewhere()
    policies = runtime.fleet.policies
    kept = await tracked_accounts(runtime.store, [account.id for account in accounts])
    marks: dict[str, dict[str, DustMark]] = {}
    for name, mark in await blacklist(runtime.store):
        marks.setdefault(name, {})[mark.symbol] = mark
    slots = frozenset(
        (one.account, symbol)
        for one in kept
        for symbol in slots_tracked(one.values, policies[one.account], marks.get(one.account, {}))
    )
    return Elsewhere(slots, {one.account: one.read_at for one in kept}, _warnings(runtime, kept))


def _warnings(runtime: Runtime, kept: Sequence[TrackedAccount]) -> tuple[ErrorReport, ...]:
    now, policies = runtime.clock.now(), runtime.fleet.policies
    never = [one.account for one in kept if one.read_at is None]
    ages = {one.account: now - one.read_at for one in kept if one.read_at is not None}
    old = [
        f"{account} ({span_words(age)} ago)"
        for account, age in ages.items()
        if age > timedelta(minutes=policies[account].balance_stale_warning_minutes)
    ]
    told = []
    if never:
        words = f"the fleet's count of positions lacks what was never read: {', '.join(never)}"
        told.append(ErrorReport(code="FLEET_COUNT_PARTIAL", message=words))
    if old:
        words = f"the fleet's count of positions uses old reads: {', '.join(old)}"
        told.append(ErrorReport(code="FLEET_COUNT_STALE", message=words))
    return tuple(told)
