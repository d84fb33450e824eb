"""Size an entry by the stored hourly candles of the account's own venue, in the way its policy says."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.fleet import Account
from models.policy import Policy
from models.sizing import Size
from models.store.engine import Store
from rules.sizing import size_entry
from rules.volatility import VolatilityAnswer
from tasks.volatility import volatility_of

_DIGITS = Decimal("1e-9")  # of a volatility: far finer than it is known, and no thousand binary digits


@dataclass(frozen=True, slots=True)
class Sized:
    """A size with what it was made of. `source`: whose candles; `portfolio` in quote units."""

    size: Size
    volatility: VolatilityAnswer
    source: str
    portfolio: Decimal | None


async def sized(
    store: Store,
    account: Account,
    policy: Policy,
    symbol: str,
    asked: Decimal,
    *,
    portfolio: Decimal | None,
    now: datetime,
) -> Sized:
    """Return the size of an entry of `asked` quote units, by what is stored of the symbol at the account's own venue.

    Another venue's candles would be another market's: prices there may stand still while these run. Raises: StoreError.
    """
    found = await volatility_of(store, account.venue, symbol, now)
    known = None if found.value is None else Decimal(str(found.value)).quantize(_DIGITS)
    size = size_entry(asked, volatility=known, portfolio=portfolio, limits=policy.sizing)
    return Sized(size, found, account.venue, portfolio)
