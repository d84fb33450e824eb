"""`nija throttles`: what is used of the venues' allowances, and which of them are closed, until when and why."""

import asyncio

import pytest

from models.store.engine import Store
from models.store.throttles import change_level
from models.throttle import Level
from rules.throttle import Window, close, take
from tests.cli.command import Nija

pytestmark = pytest.mark.wire


def spend_and_close(nija: Nija) -> None:
    def spend(level: Level, now: float) -> tuple[Level, None]:
        return take(level, Window(6000, 60), now, least=1200, wanted=0, is_emergency=False)[0], None

    async def run() -> None:
        async with await Store.open(f"sqlite:///{nija.home / 'nija.db'}") as store:
            await change_level(store, "binance||weight", spend)
            await change_level(
                store,
                "bybit||calls|v5/order/create|0123456789abcdef",
                lambda level, now: (close(level, now, 60, "why"), None),
            )
            await change_level(
                store, "kraken||counter|0123456789abcdef", lambda _level, now: (Level(0.1, now - 60), None)
            )

    asyncio.run(run())


def test_what_is_used_or_closed_is_listed_and_what_is_neither_is_not(offline: Nija) -> None:
    del offline.environment["NIJA_LIMITS_FACTOR"]
    none = offline("throttles", "list")
    spend_and_close(offline)

    listed, shown = offline("throttles", "list", "--json"), offline("throttles", "list")

    assert (none.code, none.out.strip()) == (0, "nothing of what the venues allow is used up")
    weight, orders = listed.report["throttles"]
    assert (weight["venue"], weight["limit"], weight["used"], weight["capacity"]) == ("binance", "weight", 1200, 6000)
    assert weight["closed_until"] is None
    assert (orders["of"], orders["key"], orders["closed_for"]) == ("v5/order/create", "01234567", "why")
    assert orders["closed_until"] is not None
    assert "1200 of 6000" in shown.out
