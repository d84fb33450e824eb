"""Ask whether a venue that does not answer is left alone, and an order whose answer is lost is sent once."""

from flows.verification.bench import Bench
from flows.verification.question import Answer, compared
from models.reasons import AccountStatus

_THRESHOLD = 3


async def an_open_breaker_keeps_calls_back(bench: Bench) -> Answer:
    """Let the venue stay down: the breaker opens at its threshold, and from then on nobody is asked."""
    bench.sets_policy(breaker_failure_threshold=_THRESHOLD, breaker_recovery_seconds=3600)
    async with bench.holding({"BTC": 1000}):
        bench.venue.set_faults({"operation": "markets", "fault": "status", "status": 503, "times": None})
        before = [{error.code for error in (await bench.run()).errors} for _ in range(_THRESHOLD)]
        asked = bench.venue.calls("any")
        report = await bench.run()
        return compared(
            f"{_THRESHOLD} faults opened it; the next run asked nothing",
            {
                "open before its threshold": (any("BREAKER_OPEN" in codes for codes in before), False),
                "reached the venue before": (asked >= _THRESHOLD, True),
                "calls while open": (bench.venue.calls("any") - asked, 0),
                "said to be open": ("BREAKER_OPEN" in {error.code for error in report.errors}, True),
                "status": (report.status, AccountStatus.BLOCKED),
            },
        )


async def an_order_whose_answer_is_lost_is_sent_once(bench: Bench) -> Answer:
    """Let the venue take an order and the connection break: it is looked up, and never sent again."""
    bench.sets_policy(max_positions=2)
    async with bench.holding({"BTC": 1000, "ETH": 500, "SOL": 100}):
        bench.venue.set_faults({"operation": "place", "fault": "drop_after"})
        report = await bench.run()
        again = await bench.run()
        return compared(
            "sent once, found by its id, and filled",
            {
                "calls that place an order": (bench.venue.calls("place"), 1),
                "orders": (bench.order_count(), 1),
                "sold": (bench.sold(), ["SOL"]),
                "status": ((report.status, again.status), (AccountStatus.COMPLIANT, AccountStatus.COMPLIANT)),
            },
        )
