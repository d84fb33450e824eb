"""What people do about what the desk stands on: close breakers by hand."""

from desk.actions.deeds import given, noted
from desk.desk import Desk
from models.breaker import Direction
from models.errors import NotFound
from models.people import Permit, Role, Who
from models.store.breakers import reset_breakers
from models.store.decisions import Decision
from models.store.desk_audit import Deed
from rules.breaker import reset as reset_one


async def reset(
    desk: Desk, who: Who, venue: str, reason: str, *, account: str | None = None, direction: Direction | None = None
) -> int:
    """Close breakers at once, although nothing shows that the venue is back; return how many.

    Raises: AccessRefused, ConfigError without a reason, NotFound where none is to be reset, StoreError.
    """
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    chosen = " ".join(part for part in (venue, account, direction) if part)
    now = desk.clock.now()
    decision = Decision(account or "*", f"reset breakers of {chosen}", who.words, why, now)
    deed = Deed("breaker.reset", f"breakers of {chosen}", None, {"state": "closed"}, why)
    also = noted(desk, who, deed)
    closed = await reset_breakers(
        desk.store, decision, reset_one, venue=venue, account=account, direction=direction, also=also
    )
    if not closed:
        raise NotFound("breaker to be reset of", chosen)
    desk.live.tell({"breakers"})
    return closed
