"""Allowances in the store: every change is whole, whoever comes first and however many at once."""

import asyncio

from models.store.engine import Store
from models.store.throttles import change_level, known_levels, look_at_level
from models.throttle import Level


async def test_many_who_change_an_allowance_at_once_all_count(store: Store) -> None:
    def more(level: Level, now: float) -> tuple[Level, float]:
        return Level(level.used + 1, now, (*level.grants, (now, 0.5))), now

    at = await asyncio.gather(*(change_level(store, "binance||weight", more) for _ in range(20)))

    (known,) = await known_levels(store)
    assert (known.budget, known.level.used, len(known.level.grants)) == ("binance||weight", 20, 20)
    assert {until for until, _ in known.level.grants} == set(at)


async def test_a_look_at_an_unknown_allowance_finds_it_unused_and_leaves_no_trace(store: Store) -> None:
    assert await look_at_level(store, "kraken||public", lambda level, _now: level) == Level()
    assert await known_levels(store) == ()


async def test_how_long_and_why_an_allowance_is_closed_is_kept(store: Store) -> None:
    await change_level(store, "a", lambda _level, now: (Level(closed_until=now + 60, closed_for="HTTP 418"), None))

    left, why = await look_at_level(store, "a", lambda level, now: (level.closed_until - now, level.closed_for))
    assert 50 < left <= 60
    assert why == "HTTP 418"
