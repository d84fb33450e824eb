"""What was known last of an account that cannot be read now: an entry may be judged on it where the policy says so."""

from dataclasses import dataclass
from datetime import timedelta

from models.balance import BalanceState
from models.errors import VenueError
from models.market import Price
from models.position import Snapshot
from models.store.balances import balance_of
from models.store.tracked import last_positions
from rules.balance import permits_entry
from tasks.runtime import AccountAt


@dataclass(frozen=True, slots=True)
class LastKnown:
    """The last balance and positions as a snapshot, with what could be read now: open orders, and the symbol's price.

    No sale is ever planned on it.
    """

    balance: BalanceState
    snapshot: Snapshot
    price: Price | None


async def last_known(at: AccountAt, symbol: str) -> LastKnown | None:
    """Return what an entry into `symbol` may be judged on; None: the policy allows nothing that old.

    Raises: StoreError.

    Balance and positions must both be young enough: a cap cannot be held on positions that nobody knows. What rests at
    the venue may come to take a slot, so it must be read now.
    """
    balance, kept = await balance_of(at.store, at.id), await last_positions(at.store, at.id)
    now, allowed = at.clock.now(), timedelta(minutes=at.policy.allow_stale_balance_minutes)
    if balance.cash_free is None or balance.cash_total is None or not permits_entry(balance, at.policy, now):
        return None
    if kept is None or now - kept.taken_at > allowed:
        return None
    try:
        open_orders = await at.client.open_orders()
    except VenueError:
        return None
    try:
        price = (await at.venue.tickers(at.policy)).prices.get(symbol)
    except VenueError:
        price = None  # the rule names it
    snapshot = Snapshot(
        account=at.id,
        taken_at=min(kept.taken_at, balance.read_at or now),  # a check keeps the balance, and no positions
        cash_free=balance.cash_free,
        cash_total=balance.cash_total,
        positions=kept.positions,
        open_orders=open_orders,
    )
    return LastKnown(balance, snapshot, price)
