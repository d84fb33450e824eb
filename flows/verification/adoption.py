"""Ask whether adopting an account twice changes anything."""

from decimal import Decimal
from typing import Any

from flows.verification.bench import Bench
from flows.verification.question import Answer, compared
from tasks.adopt import adopt_positions_of

_QUANTITY, _PRICE = Decimal("0.51389914"), Decimal("81.99")


async def adopting_twice_changes_nothing(bench: Bench) -> Answer:
    """Take what a position cost from the venue's own fills; a snapshot replaces, it does not add."""
    bought = {"side": "buy", "quantity": str(_QUANTITY), "price": str(_PRICE), "hours_ago": "5"}
    account = {
        "balances": {bench.quote: 1000, "SOL": str(_QUANTITY)},
        "trades": [{"symbol": bench.symbol("SOL"), **bought, "fee": "0"}],
    }
    async with bench.holding({"SOL": 85}, account=account):
        first = await _adopted(bench)
        second = await _adopted(bench)
        return compared(
            f"{_QUANTITY} at {_PRICE}, once and twice",
            {
                "adopted": (first[:2], (_QUANTITY, _PRICE)),
                "adopted again": (second, first),
                "orders": (bench.venue.calls("place"), 0),
            },
        )


async def _adopted(bench: Bench) -> tuple[Any, ...]:
    """Adopt; return quantity, entry price and first sight, nothing where it is not tracked."""
    await bench.at_account(adopt_positions_of)
    tracked = (await bench.tracked()).get(bench.symbol("SOL"))
    return () if tracked is None else (tracked.quantity, tracked.entry_price, tracked.first_seen_at)
