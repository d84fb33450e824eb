"""Refuse a key that may withdraw: whoever got hold of this machine could empty the account with it."""

from models.errors import KeyMayWithdraw, SignAgain, VenueRefused
from tasks.runtime import AccountAt


async def refuse_withdrawal_key(at: AccountAt) -> None:
    """Ask the venue what the account's key may do, unless the fleet file allows whatever it is.

    A venue that reports nothing, or refuses to tell this key, stops nothing: `nija doctor` says so.
    Raises: KeyMayWithdraw; VenueUnavailable, SignAgain when it could not be read.
    """
    if at.account.allow_withdrawal_key:
        return
    try:
        given = await at.client.permissions()
    except SignAgain:  # refused for its nonce or hour, before the question was looked at
        raise
    except VenueRefused:
        return
    if given is not None and given.withdraw:
        raise KeyMayWithdraw(at.id, at.client.venue)
