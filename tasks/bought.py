"""Say what the account's own buys have cost, those of a run that was killed before it read again among them."""

from collections.abc import Mapping
from decimal import Decimal

from models.order import LedgerOrder
from models.position import Tracked
from models.reasons import ActionKind
from models.store.tracked import last_read_at
from rules.adoption import entries_after
from tasks.runtime import AccountAt

_AND_NO_MORE = Decimal("1.001")  # of what was bought


async def entries_of_buys(at: AccountAt, tracked: Mapping[str, Tracked]) -> dict[str, Decimal]:
    """Return what positions have cost, by symbol, where a rebalancing bought of them since the account was last read.

    `tracked`: as that read left it. Whoever reads first after a buy has to say it: without its entry price a position
    has no stop. Raises: StoreError.
    """
    since = await last_read_at(at.store, at.id)
    orders = await at.ledger.of_run(at.id, at.run_id)
    orders += () if since is None else await at.ledger.changed_since(at.id, since)
    bought = {o.intent.client_order_id: o for o in orders if o.intent.kind is ActionKind.REBALANCE_BUY}
    whole = {o.intent.symbol for o in bought.values() if _is_all_of(o, tracked)}
    others = {symbol: one for symbol, one in tracked.items() if symbol not in whole}
    return entries_after(others, [o for o in bought.values() if not _is_in(o, others)])


def _is_all_of(order: LedgerOrder, tracked: Mapping[str, Tracked]) -> bool:
    """Whether a position that was read before anybody knew of the fill is what was bought, and nothing else."""
    before = tracked.get(order.intent.symbol)
    is_unknown = before is not None and before.entry_price is None and order.intent.holding_before == 0
    return is_unknown and before is not None and before.quantity <= order.filled * _AND_NO_MORE


def _is_in(order: LedgerOrder, tracked: Mapping[str, Tracked]) -> bool:
    """Whether an earlier read has shown it already."""
    before = tracked.get(order.intent.symbol)
    return before is not None and before.quantity >= order.intent.holding_before + order.filled / 2
