"""A slot that was promised can be kept for longer while it stands, and is never taken back once it ran out."""

from dataclasses import replace
from decimal import Decimal

from models.store.engine import Store
from models.store.reservations import Reservation, renewed, reserve

ETH = Reservation("alice", "ETH/USD", Decimal("400.25"))


async def test_only_what_still_stands_is_kept_for_longer(store: Store) -> None:
    ran_out = replace(ETH, symbol="SOL/USD")
    for slot, seconds in ((ETH, 600), (ran_out, 0)):
        await reserve(store, slot, among=["alice"], seconds=seconds, judge=lambda _: True)

    kept = await renewed(store, [ETH, ran_out, replace(ETH, symbol="BTC/USD")], seconds=0)
    of_another_size = await renewed(store, [replace(ETH, notional=Decimal(1))], seconds=600)

    assert kept == {"ETH/USD"}
    assert of_another_size == frozenset()
    assert await renewed(store, [ETH], seconds=600) == frozenset()  # it was kept for no more than was asked
