"""What of a venue's allowance is used up, in the venue's own terms."""

from datetime import UTC, datetime

from brokers.limits import limits_of
from models.store.engine import Store
from models.store.throttles import Known, known_levels
from models.throttle import ThrottleReport, ThrottlesReport
from rules.throttle import used


async def throttles_report(store: Store, factor: float) -> ThrottlesReport:
    """Return every allowance that is in use, or closed. Raises: StoreError."""
    found = [throttle_report(known, factor) for known in await known_levels(store)]
    return ThrottlesReport(throttles=[row for row in found if row.used or row.closed_until is not None])


def throttle_report(known: Known, factor: float) -> ThrottleReport:
    """Return one allowance as the outside reads it; `factor`: the share of its least that a venue grants."""
    venue, address, name, *rest = known.budget.split("|")
    allowed = next((a for a in limits_of(venue).all if a.name == name), limits_of(venue).all[0])
    limit, closed = allowed.limit.times(factor), known.level.closed_until > known.now
    return ThrottleReport(
        venue=venue,
        address=address,
        limit=name,
        of=rest[0] if allowed.each is not None and rest else "",
        key=rest[-1][:8] if allowed.by_key and rest else "",
        used=round(used(known.level, limit, known.now), 2),
        capacity=limit.capacity,
        closed_until=datetime.fromtimestamp(known.level.closed_until, UTC) if closed else None,
        closed_for=known.level.closed_for if closed else "",
    )
