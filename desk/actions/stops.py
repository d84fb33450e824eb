"""What a person does about what stops an account or a symbol: resume, freeze, unfreeze, mark, unmark."""

from collections.abc import Mapping
from typing import Any

from desk.actions.deeds import given, noted
from desk.desk import Desk
from flows.chosen_symbol import choose_symbol
from models.errors import ConfigError, NotFound
from models.people import Permit, Role, Who
from models.store.desk_audit import Deed
from models.store.dust import mark_by_hand, remove_mark, standing_marks
from models.store.freezes import freeze_by_hand, freezes
from models.store.freezes import unfreeze as unfreeze_in_store
from models.store.halts import clear_halts, standing_halts


async def resume(desk: Desk, who: Who, account_id: str, reason: str) -> int:
    """Lift an account's halts; return how many. Raises: AccessRefused, NotFound where none stands, ConfigError."""
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    account = desk.account(account_id).id
    before = {"halts": [f"{one.cause.value}: {one.detail}" for one in await standing_halts(desk.store, account)]}
    also = noted(desk, who, Deed("account.resume", f"account {account}", before, {"halts": []}, why))
    now = desk.clock.now()
    lifted = await clear_halts(desk.store, account, by=who.words, reason=why, now=now, also=also)
    if not lifted:
        raise NotFound("standing halt of", account)
    desk.measured.forget()
    return lifted


async def freeze(desk: Desk, who: Who, account_id: str, symbol: str, reason: str) -> None:
    """Stop entries into a symbol until a person unfreezes it.

    Raises: AccessRefused, NotFound; ConfigError for a symbol that the account cannot have, or that is frozen by hand.
    """
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    chosen = choose_symbol(desk.fleet, desk.account(account_id).id, symbol, where="symbol")
    before = await _frozen(desk, chosen.account, symbol)
    deed = Deed("symbol.freeze", f"{chosen.account} {symbol}", before, {"state": "review", "cause": "by_hand"}, why)
    done = await freeze_by_hand(
        desk.store,
        chosen.account,
        symbol,
        by=who.words,
        reason=why,
        mode=chosen.mode,
        policy_version=chosen.policy_version,
        now=desk.clock.now(),
        also=noted(desk, who, deed),
    )
    if not done:
        raise ConfigError("symbol", f"{symbol!r} was frozen by hand before")
    desk.measured.forget()


async def unfreeze(desk: Desk, who: Who, account_id: str, symbol: str, reason: str) -> None:
    """End a freeze, whatever its cause. Raises: AccessRefused, NotFound, ConfigError, StoreError."""
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    account = desk.account(account_id).id
    deed = Deed("symbol.unfreeze", f"{account} {symbol}", await _frozen(desk, account, symbol), None, why)
    by: dict[str, Any] = {"by": who.words, "reason": why, "now": desk.clock.now(), "also": noted(desk, who, deed)}
    if not await unfreeze_in_store(desk.store, account, symbol, **by):
        raise NotFound("frozen symbol", symbol)
    desk.measured.forget()


async def mark(desk: Desk, who: Who, account_id: str, symbol: str, reason: str) -> None:
    """Put a symbol on the blacklist: it is left where it is. Raises: as `freeze`."""
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    chosen = choose_symbol(desk.fleet, desk.account(account_id).id, symbol, where="symbol")
    before = await _marked(desk, chosen.account, symbol)
    deed = Deed("blacklist.add", f"{chosen.account} {symbol}", before, {"reason": "blacklisted"}, why)
    done = await mark_by_hand(
        desk.store,
        chosen.account,
        symbol,
        by=who.words,
        reason=why,
        mode=chosen.mode,
        policy_version=chosen.policy_version,
        now=desk.clock.now(),
        also=noted(desk, who, deed),
    )
    if not done:
        raise ConfigError("symbol", f"{symbol!r} was put on the blacklist by hand before")
    desk.measured.forget()


async def unmark(desk: Desk, who: Who, account_id: str, symbol: str, reason: str) -> None:
    """Take a symbol off the blacklist. Raises: as `unfreeze`."""
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    account = desk.account(account_id).id
    deed = Deed("blacklist.remove", f"{account} {symbol}", await _marked(desk, account, symbol), None, why)
    by: dict[str, Any] = {"by": who.words, "reason": why, "now": desk.clock.now(), "also": noted(desk, who, deed)}
    if not await remove_mark(desk.store, account, symbol, **by):
        raise NotFound("symbol on the blacklist", symbol)
    desk.measured.forget()


async def _frozen(desk: Desk, account: str, symbol: str) -> Mapping[str, Any] | None:
    found = next((one for one in await freezes(desk.store, account) if one.symbol == symbol), None)
    return None if found is None else {"state": found.state.value, "cause": found.cause.value}


async def _marked(desk: Desk, account: str, symbol: str) -> Mapping[str, Any] | None:
    found = (await standing_marks(desk.store, account)).get(symbol)
    return None if found is None else {"reason": found.reason.value}
