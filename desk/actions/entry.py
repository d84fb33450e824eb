"""What a trading bot asks before it trades: may it enter now, and if not, why."""

import re
from decimal import Decimal

from desk.desk import Desk
from flows.entry_check import check_entry
from models.errors import ConfigError
from models.people import Permit, Role, Who
from models.report import EntryReport

_SYMBOL = re.compile(r"[A-Z0-9.:_-]{1,30}/[A-Z0-9]{2,12}")


async def ask_entry(desk: Desk, who: Who, account_id: str, symbol: str, amount: Decimal) -> EntryReport:
    """Judge an entry of `amount` in the account's quote currency; one that is allowed keeps its slot for a moment.

    Raises: AccessRefused, NotFound; ConfigError for what is no symbol, and without keys; StoreError.
    """
    await desk.require(who, Role.OPERATOR, Permit.ENTRY_CHECK)
    if not _SYMBOL.fullmatch(symbol):
        raise ConfigError("symbol", f"{symbol!r} is no symbol", "BASE/QUOTE, as in ETH/USD")
    account = desk.account(account_id)
    async with desk.venues.use() as runtime:
        return await check_entry(runtime, account, symbol, amount)
