"""Ask whether the cap keeps the largest positions, and counts what it must."""

from flows.verification.bench import Bench, Number
from flows.verification.question import Answer, compared
from models.reasons import AccountStatus, Block

_LARGE: dict[str, Number] = {f"LARGE{i}": 100 + 100 * i for i in range(10)}
_MEDIUM: dict[str, Number] = {f"MED{i}": 10 + 2 * i for i in range(20)}
_DUST: dict[str, Number] = {f"DUST{i}": f"{0.10 + 0.03 * i:.2f}" for i in range(29)}


async def of_59_holdings_the_8_largest_stay(bench: Bench) -> Answer:
    """Hold 29 that are dust and 30 that count: 51 go."""
    async with bench.holding(_LARGE | _MEDIUM | _DUST):
        report = await bench.run()
        return compared(
            "59 holdings came down to the 8 largest",
            {
                "left": (bench.left(), {f"LARGE{i}" for i in range(2, 10)}),
                "orders": (bench.order_count(), 51),
                "status": (report.status, AccountStatus.COMPLIANT),
                "counted": ((report.positions_before, report.positions_after), (30, 8)),
            },
        )


async def a_user_keeps_the_5_largest(bench: Bench) -> Answer:
    """Let a user's smaller cap hold; what is too small goes before it is asked."""
    bench.sets_policy(max_positions=5)
    values: dict[str, Number] = {"BTC": 1000, "ETH": 500, "SOL": 200, "DOGE": 50, "SHIB": 12, "PEPE": 11, "XRP": 2}
    async with bench.holding(values):
        await bench.run()
        entry = await bench.entry("XRP")
        return compared(
            "7 positions came down to the 5 largest, and no entry is allowed",
            {
                "left": (bench.left(), {"BTC", "ETH", "SOL", "DOGE", "SHIB"}),
                "entry allowed": (entry.allowed, False),
                "entry blocked by the cap": (Block.CAP_REACHED in entry.reasons, True),
            },
        )


async def the_unvalued_count_and_are_never_sold(bench: Bench) -> Answer:
    """Hold 12, of them 3 without a price: 12 count, and the smallest 4 of the valued go."""
    valued: dict[str, Number | None] = {f"P{i}": 100 + 10 * i for i in range(9)}
    unvalued = {f"AUT{i}": None for i in range(3)}
    async with bench.holding(valued | unvalued):
        report = await bench.run()
        entry = await bench.entry("P8")
        return compared(
            "3 holdings without a price counted, stayed, and kept entries out",
            {
                "counted": (report.positions_before, 12),
                "named": (set(report.unvalued), {bench.symbol(a) for a in unvalued}),
                "left": (bench.left(), {*unvalued, *(f"P{i}" for i in range(4, 9))}),
                "entry blocked by them": (Block.UNVALUED_HOLDING in entry.reasons, True),
            },
        )


async def a_second_run_has_nothing_to_do(bench: Bench) -> Answer:
    """Run again right after a run that brought the account into shape."""
    bench.sets_policy(max_positions=2)
    async with bench.holding({"BTC": 1000, "ETH": 500, "SOL": 100, "DOGE": 5, "SHIB": "0.50"}):
        await bench.run()
        sent = bench.order_count()
        again = await bench.run()
        return compared(
            "the first run sent 3 orders, the second none",
            {
                "orders of the first run": (sent, 3),
                "orders of the second": (bench.order_count() - sent, 0),
                "actions of the second": ([a.symbol for a in again.actions], []),
                "status": (again.status, AccountStatus.COMPLIANT),
            },
        )
