"""Ask whether stop, profit target, trailing stop and longest hold fire, and whether a halt lets them."""

from datetime import timedelta
from decimal import Decimal

from flows.verification.bench import ACCOUNT, Bench
from flows.verification.question import Answer, compared
from models.clock import SystemClock
from models.policy import Policy
from models.reasons import ActionKind, Block, HaltCause, Mode, Outcome
from models.scope import Scope
from models.store.engine import Store
from models.store.halts import halt
from models.store.position_configs import set_config

_BY, _WHY = "verification", "a known entry"
_ENTRY, _PEAK = 100, 115


async def each_exit_fires_for_its_own_reason(bench: Bench) -> Answer:
    """Buy each at 100, the trailing one at 110 with a peak of 115, and move them to where they are left."""
    assets = ("STOP", "GAIN", "TRAIL", "OLD", "HELD")
    async with bench.holding(dict.fromkeys(assets, _ENTRY)):
        bench.moves(TRAIL=_PEAK)
        await bench.run(Scope.EXITS)  # tracks what is held, and the peak; no entry is known, so nothing can fire
        early = bench.order_count()
        for asset in assets:
            await _bought(bench, asset, 110 if asset == "TRAIL" else _ENTRY)
        await bench.remember("OLD", first_seen_at=SystemClock().now() - timedelta(hours=25))
        bench.moves(STOP=95, GAIN=110, TRAIL=108, OLD=102, HELD=102)
        report = await bench.run(Scope.EXITS)
        fired = {(a.kind, a.symbol, a.outcome) for a in report.actions}
        filled = Outcome.FILLED
        return compared(
            "stop at -5 %, profit at +10 %, trailing 6 % below the peak and 25 hours went; +2 % stayed",
            {
                "orders while no entry was known": (early, 0),
                "exits": (
                    fired,
                    {
                        (ActionKind.STOP_LOSS, bench.symbol("STOP"), filled),
                        (ActionKind.TAKE_PROFIT, bench.symbol("GAIN"), filled),
                        (ActionKind.TRAILING_STOP, bench.symbol("TRAIL"), filled),
                        (ActionKind.TIME_LIMIT, bench.symbol("OLD"), filled),
                    },
                ),
                "left": (bench.left(), {"HELD"}),
            },
        )


async def a_halted_account_still_leaves_at_its_stop(bench: Bench) -> Answer:
    """Halt the account and move a position below its stop: a halt stops entries, never exits."""
    async with bench.holding({"STOP": _ENTRY, "HELD": _ENTRY}):
        await bench.run(Scope.EXITS)
        for asset in ("STOP", "HELD"):
            await _bought(bench, asset, _ENTRY)
        await bench.in_store(_halt)
        bench.moves(STOP=90)
        entry = await bench.entry("HELD")
        await bench.run(Scope.EXITS)
        return compared(
            "the halt refused an entry and let the stop go",
            {
                "entry allowed": (entry.allowed, False),
                "entry blocked by the halt": (Block.HALTED in entry.reasons, True),
                "sold": (bench.sold(), ["STOP"]),
                "left": (bench.left(), {"HELD"}),
            },
        )


async def _bought(bench: Bench, asset: str, price: int) -> None:
    """Tell what a position cost, as a person does."""
    symbol, now, entry = bench.symbol(asset), SystemClock().now(), Decimal(price)
    await bench.in_store(
        lambda store: set_config(store, ACCOUNT, symbol, {}, entry_price=entry, by=_BY, reason=_WHY, now=now)
    )


async def _halt(store: Store) -> None:
    """Halt for every cause there is: what keeps any other run off keeps no exit off."""
    for cause in HaltCause:
        await halt(
            store,
            ACCOUNT,
            mode=Mode.LIVE,
            policy_version=Policy().version,
            run_id=_BY,
            cause=cause,
            detail="to see what it stops",
            clears_when="a person says so",
            now=SystemClock().now(),
        )
