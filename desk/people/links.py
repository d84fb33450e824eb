"""One-time links: how the first admin comes in, and how somebody sets a new password."""

from datetime import datetime, timedelta

from desk.people.secrets import hashed, new_secret
from models.people import Role, Via, Who
from models.store.engine import Store
from models.store.people import add_first_admin, people, put_link

FIRST_ADMIN = "admin"
LINK_LASTS = timedelta(hours=1)


def at_the_terminal(name: str) -> Who:
    """Return who types commands on the desk's own machine: they own the store's file, and may do everything."""
    return Who(name, Role.ADMIN, Via.TERMINAL)


async def new_link(store: Store, name: str, *, by: Who, now: datetime) -> str:
    """Make a one-time link of somebody's, good for an hour; return what goes into its address.

    Raises: NotFound, StoreError.
    """
    secret = new_secret()
    await put_link(store, name, hashed(secret), expires_at=now + LINK_LASTS, by=by, now=now)
    return secret


async def nobody_can_log_in(store: Store, *, by: Who, now: datetime) -> str | None:
    """Make the first admin where there is nobody; return an admin's name while nobody has a password.

    None: somebody can log in. Raises: StoreError.
    """
    await add_first_admin(store, FIRST_ADMIN, by=by, now=now)
    everybody = await people(store)
    if any(one.has_password for one in everybody):
        return None
    return next((one.name for one in everybody if one.role is Role.ADMIN), None)
