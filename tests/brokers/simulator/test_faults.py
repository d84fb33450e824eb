"""Put every fault to both venues once: did the venue act, and what did the client hear?"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest
import yaml
from pydantic import ValidationError

from brokers.simulator.fault_kinds import FAULTS, Fault
from brokers.simulator.faults import as_plan, load_faults
from brokers.simulator.handle import RunningVenue
from tests.brokers.simulator.clients import a_world, connected

pytestmark = pytest.mark.wire

UNREADABLE = (ccxt.BaseError, ValueError, TypeError, AttributeError, KeyError)
# Whether the order exists afterwards, and what ccxt makes of the answer; None: it raises nothing.
HEARD = {
    Fault.REFUSE_BEFORE: (False, ccxt.NetworkError),
    Fault.DROP_AFTER: (True, ccxt.NetworkError),
    Fault.DELAY: (True, None),
    Fault.DELAY_AFTER: (True, None),
    Fault.HANG: (False, ccxt.RequestTimeout),
    Fault.HANG_AFTER: (True, ccxt.RequestTimeout),
    Fault.STATUS: (False, ccxt.ExchangeNotAvailable),
    Fault.STATUS_AFTER: (True, ccxt.ExchangeNotAvailable),
    Fault.HTML: (False, UNREADABLE),
    Fault.HTML_AFTER: (True, UNREADABLE),
    Fault.EMPTY: (False, UNREADABLE),
    Fault.EMPTY_OBJECT: (False, None),
    Fault.EMPTY_RESULT: (True, None),
    Fault.TRUNCATED: (True, UNREADABLE),
    Fault.ERROR: (False, ccxt.BaseError),
    Fault.ERROR_AFTER: (True, ccxt.BaseError),
    Fault.RATE_LIMITED: (False, ccxt.DDoSProtection),
    Fault.MAINTENANCE: (False, ccxt.ExchangeNotAvailable),
    Fault.INVALID_NONCE: (False, ccxt.InvalidNonce),
    Fault.CLOCK_ERROR: (False, ccxt.InvalidNonce),
    Fault.AUTH_REVOKED: (False, (ccxt.AuthenticationError, ccxt.DDoSProtection)),
    Fault.NAN_NUMBERS: (True, "anything"),
    Fault.NULL_FIELDS: (True, "anything"),
    Fault.DUPLICATED_ROWS: (True, "anything"),
    Fault.MISSING_ROWS: (True, "anything"),
    Fault.WRONG_TYPES: (True, "anything"),
    Fault.HUGE_NUMBERS: (True, "anything"),
    Fault.OLD_TIMES: (True, None),
    Fault.SHUFFLED_ROWS: (True, None),
    Fault.FUTURE_ROW: (True, None),
    Fault.NAN_ROW: (True, None),
    Fault.NEGATIVE_ROW: (True, None),
    Fault.SPIKE: (True, None),
    Fault.WRONG_TIMEFRAME: (True, None),
    Fault.SLOW: (True, None),
    Fault.GONE_AFTER: (True, None),
    Fault.DELISTED: (False, ccxt.BaseError),
    Fault.HALTED: (False, ccxt.BaseError),
    Fault.PRICE_ZERO: (True, None),
    Fault.PRICE_GONE: (True, None),
    Fault.PARTIAL_FILLS: (True, None),
    Fault.NO_FILLS: (True, None),
    Fault.FILLED_AFTER_CANCEL: (True, None),
    Fault.BALANCE_LAG: (True, None),
}
REFUSED_FOR_ITS_MARKET = {Fault.DELISTED, Fault.HALTED}  # the venue looked at the order, and said no


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_fault_of_an_order_does_what_its_name_says(
    client: Any, running: RunningVenue, btc: str, fault: Fault
) -> None:
    executed, heard = HEARD[fault]
    await client.load_markets()
    client.timeout = 400 if heard is ccxt.RequestTimeout else 5000
    # At a price of zero no order is worth the least that a venue takes: there it is another market's.
    market = running.world.markets[1].symbol if fault is Fault.PRICE_ZERO else btc
    running.set_faults({"operation": "place", "fault": fault, "seconds": 0.05, "market": market})

    if heard is None:
        await client.create_order(btc, "market", "sell", 0.01)
    elif heard == "anything":
        await asyncio.gather(client.create_order(btc, "market", "sell", 0.01), return_exceptions=True)
    else:
        try:
            order = await client.create_order(btc, "market", "sell", 0.01)
        except heard:
            order = None
        # ccxt takes some unreadable answers for orders; then they carry no id.
        assert order is None or (heard is UNREADABLE and order["id"] is None)

    assert len(running.orders("platform")) == executed
    looked_at = executed or fault in REFUSED_FOR_ITS_MARKET
    assert [(one.fault, one.executed) for one in running.applied_faults()] == [(fault, looked_at)]


def test_every_fault_has_its_row_in_the_table() -> None:
    assert set(FAULTS) == set(Fault) == set(HEARD)
    assert {fault: kind.executed for fault, kind in FAULTS.items()} == {
        fault: executed or fault in REFUSED_FOR_ITS_MARKET for fault, (executed, _) in HEARD.items()
    }


async def test_the_call_after_the_fault_is_answered_as_usual(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "status"})

    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.fetch_balance()

    assert (await client.fetch_balance())["total"]["BTC"] == 0.02


async def test_a_rule_lets_calls_through_first_and_counts_its_own(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "status", "skip": 1, "times": 2})

    heard = await _tries(client.fetch_balance, 5)

    assert heard == [True, False, False, True, True]


async def test_a_rule_without_a_number_of_times_is_for_ever(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "status", "times": None})

    assert await _tries(client.fetch_balance, 4) == [False] * 4


async def test_a_rule_may_be_for_one_symbol(client: Any, running: RunningVenue, quote: str, btc: str) -> None:
    running.set_faults({"operation": "place", "symbol": btc, "fault": "status"})

    await client.create_order(f"ETH/{quote}", "market", "sell", 0.5)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.create_order(btc, "market", "sell", 0.01)


async def test_a_rule_may_be_for_one_account() -> None:
    accounts = {name: {"balances": {"USD": "1"}} for name in ("one", "two")}
    with RunningVenue(a_world("kraken", accounts=accounts)) as running:
        running.set_faults({"account": "two", "fault": "status", "times": None})
        async with connected(running, account="one") as one, connected(running, account="two") as two:
            assert await _tries(one.fetch_balance, 1) == [True]
            await two.load_markets()
            assert await _tries(two.fetch_balance, 1) == [False]


async def test_a_rule_may_say_whether_the_venue_acts(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_faults({"operation": "place", "fault": "empty", "executed": True})

    await asyncio.gather(client.create_order(btc, "market", "sell", 0.01), return_exceptions=True)

    assert len(running.orders("platform")) == 1


async def test_a_client_that_gave_up_waiting_still_has_its_order(client: Any, running: RunningVenue, btc: str) -> None:
    await client.load_markets()
    client.timeout = 100
    running.set_faults({"operation": "place", "fault": "delay", "seconds": 0.3})

    with pytest.raises(ccxt.RequestTimeout):
        await client.create_order(btc, "market", "sell", 0.01)
    client.timeout = 5000
    nothing_yet = await client.fetch_open_orders(btc)
    await asyncio.sleep(0.4)

    assert (len(nothing_yet), len(running.orders("platform"))) == (0, 1)


async def test_an_error_carries_the_code_of_the_rule(client: Any, running: RunningVenue) -> None:
    code = "EService:Busy" if running.world.venue == "kraken" else -1007
    running.set_faults({"operation": "balance", "fault": "error", "code": code})

    with pytest.raises(ccxt.OperationFailed) as caught:
        await client.fetch_balance()

    assert str(code) in str(caught.value) or "Timeout waiting" in str(caught.value)


async def test_numbers_become_no_numbers(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "nan_numbers"})

    raw = await _raw_balance(client, running)

    assert {str(value).lower() for value in raw.values()} <= {"nan", "inf"}


async def test_fields_become_null(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "null_fields"})

    assert set((await _raw_balance(client, running)).values()) == {None}


async def test_fields_become_another_type(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "wrong_types"})

    assert {type(value) for value in (await _raw_balance(client, running)).values()} == {list}


async def test_an_empty_result_is_a_well_formed_balance_of_nothing(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "empty_result"})

    assert (await client.fetch_balance())["total"] == {}
    assert running.balances("platform")["BTC"] == Decimal("0.02")


async def test_rows_go_missing(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "tickers", "fault": "missing_rows", "fraction": 0.4})

    assert len(await client.fetch_tickers()) == 1


async def test_rows_come_twice() -> None:
    with RunningVenue(a_world("binance")) as running:
        async with connected(running) as client:
            await client.create_order("BTC/USDT", "market", "sell", 0.01)
            running.set_faults({"operation": "trades", "fault": "duplicated_rows"})

            assert len(await client.privateGetMyTrades({"symbol": "BTCUSDT"})) == 2


async def test_every_call_is_recorded_without_its_secrets(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_faults({"operation": "place", "fault": "drop_after"})
    await asyncio.gather(client.create_order(btc, "market", "sell", 0.01), return_exceptions=True)

    (placed,) = [record for record in running.call_log() if record.operation == "place"]
    assert (placed.account, placed.outcome, placed.fault) == ("platform", "ok", "drop_after")
    assert not {"signature", "nonce"} & set(placed.params)
    assert running.calls("place") == running.calls("place", "platform") == 1


def test_a_plan_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(yaml.safe_dump({"rules": [{"operation": "place", "fault": "hang_after", "times": None}]}))

    (rule,) = load_faults(path).rules

    assert (rule.operation, rule.fault, rule.times, rule.takes_effect) == ("place", "hang_after", None, True)


def test_a_plan_with_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValidationError, match="operation"):
        as_plan([{"operation": "plaice", "fault": "hang"}])


async def _tries(act: Callable[[], Awaitable[Any]], times: int) -> list[bool]:
    heard = await _in_turn(act, times)
    return [not isinstance(one, ccxt.BaseError) for one in heard]


async def _in_turn(act: Callable[[], Awaitable[Any]], times: int) -> list[Any]:
    return [(await asyncio.gather(act(), return_exceptions=True))[0] for _ in range(times)]


async def _raw_balance(client: Any, running: RunningVenue) -> dict[Any, Any]:
    """Flatten the raw answer to the numbers of its balances."""
    if running.world.venue == "kraken":
        return (await client.privatePostBalance())["result"]
    answer = await client.privateGetAccount()
    return {number: row["free"] for number, row in enumerate(answer["balances"])}


async def test_after_a_venue_has_gone_nothing_listens_for_a_while(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "gone_after", "seconds": 0.1})

    heard = [*await _tries(client.fetch_balance, 2), await asyncio.sleep(0.2), *await _tries(client.fetch_balance, 1)]

    assert heard == [True, False, None, True]


async def test_a_slow_answer_is_whole_in_the_end(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "slow", "seconds": 0.05})

    assert (await client.fetch_balance())["total"]["BTC"] == 0.02


async def test_numbers_become_huge(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "huge_numbers"})

    assert (await client.fetch_balance())["total"]["BTC"] == 0.02e30


async def test_a_price_may_be_an_hour_old() -> None:
    with RunningVenue(a_world("binance")) as running:
        async with connected(running) as client:
            running.set_faults({"operation": "tickers", "fault": "old_times"})

            old = (await client.fetch_tickers())["BTC/USDT"]["timestamp"]
            assert 3_600_000 <= client.milliseconds() - old < 3_660_000


async def test_a_market_changes_at_a_call_that_is_about_something_else(client: Any, running: RunningVenue) -> None:
    running.set_faults({"operation": "balance", "fault": "price_gone", "market": f"ETH/{running.world.manners.quote}"})

    await client.fetch_balance()

    assert running.price(running.world.markets[1].symbol) is None


async def test_an_order_that_was_canceled_before_stays_canceled(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("never")
    first, second = [await client.create_order(btc, "market", "sell", 0.01) for _ in range(2)]
    await client.cancel_order(first["id"], btc)
    running.set_faults({"operation": "cancel", "fault": "filled_after_cancel"})

    await client.cancel_order(second["id"], btc)

    assert sorted(o.status for o in running.orders("platform")) == ["canceled", "filled"]
    assert running.balances("platform")["BTC"] == Decimal("0.01")


async def test_an_order_may_fill_although_its_cancel_was_taken(client: Any, running: RunningVenue, btc: str) -> None:
    running.set_fills("never")
    running.set_faults({"operation": "cancel", "fault": "filled_after_cancel"})
    order = await client.create_order(btc, "market", "sell", 0.01)

    await client.cancel_order(order["id"], btc)

    assert [o.status for o in running.orders("platform")] == ["filled"]
    assert running.balances("platform")["BTC"] == Decimal("0.01")
