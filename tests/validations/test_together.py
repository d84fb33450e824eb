"""Who passes the gate together: accounts of a moment, and those that hurry as soon as the last of them is there."""

import asyncio

import pytest

from models.errors import ContractBroken
from models.position import Snapshot
from tests.builders import NOW, a_policy, a_position, a_price, a_snapshot
from validations import together
from validations.gate import Asked
from validations.together import Gate


@pytest.fixture(autouse=True)
def _nobody_is_let_through_for_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MOMENT_SECONDS", 3600)
    monkeypatch.setattr(together, "_HURRY_SECONDS", 3600)


def asked(snapshot: Snapshot | None = None) -> Asked:
    snapshot = snapshot or a_snapshot(a_position("BTC/USD"))
    return Asked(snapshot, {"BTC/USD": a_price()}, {"BTC"}, NOW, a_policy())


async def turns() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_that_hurries_alone_waits_for_nobody() -> None:
    gate = Gate()
    with gate.expecting() as me:
        positions, prices = await gate.passes(asked(), me)

    assert (positions.accepted, prices.accepted) == (("BTC/USD",), ("BTC/USD",))


async def test_those_that_hurry_wait_for_the_last_of_them_and_take_along_who_does_not() -> None:
    gate = Gate()
    calm = asyncio.create_task(gate.passes(asked()))
    with gate.expecting() as one, gate.expecting() as other:
        first = asyncio.create_task(gate.passes(asked(), one))
        await turns()
        assert not first.done()
        await gate.passes(asked(), other)
        await first

    assert (await calm)[0].ok


async def test_nobody_waits_for_one_that_gave_up_before_the_gate() -> None:
    gate = Gate()
    with gate.expecting() as one:
        with gate.expecting():
            waiting = asyncio.create_task(gate.passes(asked(), one))
            await turns()
            assert not waiting.done()
        await waiting


async def test_what_breaks_one_account_lets_the_other_through() -> None:
    gate = Gate()
    unknown = a_snapshot(a_position("SCAM/USD"), account="other")
    with gate.expecting() as one, gate.expecting() as other:
        sound, broken = await asyncio.gather(
            gate.passes(asked(), one), gate.passes(asked(unknown), other), return_exceptions=True
        )

    assert isinstance(broken, ContractBroken)
    assert not isinstance(sound, BaseException)
