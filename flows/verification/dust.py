"""Ask where dust begins, and whether the blacklist holds what it is told."""

from flows.verification.bench import ACCOUNT, Bench, Number
from flows.verification.question import Answer, compared
from models.clock import SystemClock
from models.policy import Policy
from models.reasons import Mode
from models.scope import Scope
from models.store.dust import blacklist, mark_by_hand, remove_mark
from models.store.engine import Store

_BY, _WHY = "verification", "a round trip"


async def exactly_one_dollar_is_not_dust(bench: Bench) -> Answer:
    """Hold what is just below the threshold, exactly on it and above: only what is below goes."""
    values: dict[str, Number | None] = {"A": "0.50", "B": "0.25", "C": "0.99", "D": "1.00", "E": 10, "F": 50}
    async with bench.holding(values):
        report = await bench.run(Scope.DUST)
        return compared(
            "0.25, 0.50 and 0.99 went as dust; exactly 1.00 stayed",
            {
                "left": (bench.left(), {"D", "E", "F"}),
                "sold": (set(bench.sold()), {"A", "B", "C"}),
                "positions": (report.positions_after, 3),
            },
        )


async def a_blacklisted_holding_stays_until_it_is_taken_off(bench: Bench) -> Answer:
    """Add, list, remove: what stands there is not sold, what stands there no more is."""
    async with bench.holding({"BTC": 1000, "KEEP": "0.50"}):
        symbol = bench.symbol("KEEP")
        added = await bench.in_store(lambda store: _add(store, symbol))
        listed = await bench.in_store(lambda store: blacklist(store, ACCOUNT))
        await bench.run()
        kept = bench.left()
        removed = await bench.in_store(lambda store: _remove(store, symbol))
        listed_after = await bench.in_store(lambda store: blacklist(store, ACCOUNT))
        await bench.run()
        return compared(
            "kept while it was on the list, sold once it was off",
            {
                "added": (added, True),
                "listed": ([mark.symbol for _, mark in listed], [symbol]),
                "left while listed": (kept, {"BTC", "KEEP"}),
                "removed": (removed, True),
                "listed after": ([mark.symbol for _, mark in listed_after], []),
                "left after": (bench.left(), {"BTC"}),
            },
        )


async def _add(store: Store, symbol: str) -> bool:
    now, version = SystemClock().now(), Policy().version
    return await mark_by_hand(
        store, ACCOUNT, symbol, by=_BY, reason=_WHY, mode=Mode.LIVE, policy_version=version, now=now
    )


async def _remove(store: Store, symbol: str) -> bool:
    return await remove_mark(store, ACCOUNT, symbol, by=_BY, reason=_WHY, now=SystemClock().now())
