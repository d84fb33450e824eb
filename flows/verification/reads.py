"""Ask whether anything is sold, or forgotten, because a read failed, looked empty or gave no price."""

from typing import Any

from flows.verification.bench import ACCOUNT, Bench
from flows.verification.question import Answer, compared
from models.reasons import AccountStatus, Block
from models.store.freezes import freezes

_HELD = {"BTC": 1000, "ETH": 500, "SOL": 100}


async def a_failed_read_sells_nothing(bench: Bench) -> Answer:
    """Answer for the balance with a server error."""
    return await _unreadable(bench, {"operation": "balance", "fault": "status", "status": 503, "times": None})


async def an_empty_read_sells_nothing(bench: Bench) -> Answer:
    """Answer with a balance that is suddenly empty, and nothing explains it."""
    empty = {"fault": "empty_result", "times": None}
    return await _unreadable(bench, {"operation": "balance", **empty}, {"operation": "equity", **empty})


async def three_failures_freeze_a_symbol(bench: Bench) -> Answer:
    """Take a symbol's price away: it is counted run by run, then no entry is allowed in it, and it stays."""
    async with bench.holding({"BTC": 1000, "AUT": None}):
        states: list[str] = []
        for _ in range(3):
            await bench.run()
            found = await bench.in_store(lambda store: freezes(store, ACCOUNT))
            states += [f"{freeze.state} {freeze.failures}" for freeze in found]
        entry = await bench.entry("AUT")
        return compared(
            "frozen at the third failure, neither before nor for good",
            {
                "states": (states, ["counting 1", "counting 2", "frozen 3"]),
                "entry blocked by it": (Block.SYMBOL_FROZEN in entry.reasons, True),
                "orders": (bench.order_count(), 0),
            },
        )


async def _unreadable(bench: Bench, *faults: dict[str, Any]) -> Answer:
    """Track three positions, then lower the cap to one at a venue that can no longer be believed."""
    async with bench.holding(_HELD):
        await bench.run()
        before = await bench.tracked()
        bench.sets_policy(max_positions=1)
        bench.venue.set_faults(*faults)
        report = await bench.run()
        entry = await bench.entry("BTC")
        return compared(
            "nothing was sold and nothing forgotten; entries stopped",
            {
                "tracked before": (len(before), 3),
                "status": (report.status, AccountStatus.BLOCKED),
                "orders": (bench.order_count(), 0),
                "tracked": (set(await bench.tracked()), set(before)),
                "entry allowed": (entry.allowed, False),
            },
        )
