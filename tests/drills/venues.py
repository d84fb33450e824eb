"""The venues that every drill runs against, and what a drill must know of a venue's wire to make it lie.

A new venue is one row: its simulated wire format, and these words. The suite runs each drill at two venues in turn, so
that every venue meets a third of them; with DRILLS=all in the environment (`make drills`) each runs at every venue.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zlib import crc32

import pytest

T = TypeVar("T")
Drill = TypeVar("Drill", bound=Callable[..., None])

Fault = Mapping[str, Any]


@dataclass(frozen=True)
class Words:
    """Faults and answers of one venue.

    `not_listed`: our look-up by client order id finds nothing. `not_by_id`: nor does the one by the venue's own id,
    where that is another call. `accepted` and `canceled`: answers to an order of DUST that nothing stands behind.
    `calls`: the operations of a run beside markets, tickers, balance, open_orders, place, order, trades and cancel.
    """

    not_listed: tuple[Fault, ...]
    accepted: str
    canceled: str
    not_by_id: tuple[Fault, ...] = ()
    calls: tuple[str, ...] = ()


def _empty(*operations: str) -> tuple[Fault, ...]:
    return tuple({"operation": name, "fault": "empty_result", "times": None} for name in operations)


_BINANCE_ORDER = {"symbol": "DUSTUSDT", "clientOrderId": "x", "transactTime": 1, "price": "0", "origQty": "1"}
_BINANCE_ORDER |= {"executedQty": "0", "type": "MARKET", "side": "SELL"}

_ALPACA_ORDER = {"id": "00000000-0000-4000-8000-000000000001", "client_order_id": "x", "symbol": "DUST/USD"}
_ALPACA_ORDER |= {"asset_class": "crypto", "qty": "1", "filled_qty": "0", "filled_avg_price": None, "type": "market"}
_ALPACA_ORDER |= {"order_type": "market", "side": "sell", "time_in_force": "gtc"}


def _bybit(result: dict[str, Any]) -> str:
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1672211918471})


_NOWHERE = "00000000-0000-4000-8000-000000000002"  # an order that Coinbase never heard of


def _okx_row(order_id: str) -> str:
    row = {"clOrdId": "", "ordId": order_id, "sCode": "0", "sMsg": "", "tag": "", "ts": "1"}
    return json.dumps({"code": "0", "data": [row], "msg": ""})


WORDS: dict[str, Words] = {
    "kraken": Words(
        not_listed=_empty("open_orders", "closed_orders"),
        not_by_id=_empty("order"),
        accepted=json.dumps({"error": [], "result": {"descr": {"order": "sell"}, "txid": ["OAAAAA-AAAAA-AAAAAA"]}}),
        canceled=json.dumps({"error": [], "result": {"count": 1}}),
        calls=("equity", "closed_orders", "permissions"),
    ),
    "binance": Words(
        not_listed=({"operation": "order", "fault": "error", "code": -2013, "status": 400, "times": None},),
        accepted=json.dumps(_BINANCE_ORDER | {"orderId": 99_999_999, "status": "NEW"}),
        canceled=json.dumps(_BINANCE_ORDER | {"orderId": 1, "status": "CANCELED"}),
        calls=("permissions",),
    ),
    "coinbase": Words(
        not_listed=_empty("closed_orders"),
        not_by_id=(
            {
                "operation": "order",
                "fault": "error",
                "code": "NOT_FOUND",
                "message": "order with this orderID was not found",
                "status": 404,
                "times": None,
            },
        ),
        accepted=json.dumps({"success": True, "order_id": _NOWHERE, "success_response": {"order_id": _NOWHERE}}),
        canceled=json.dumps({"results": [{"success": True, "order_id": _NOWHERE}]}),
        calls=("equity", "closed_orders", "permissions"),
    ),
    "bybit": Words(
        not_listed=_empty("order", "closed_orders"),
        accepted=_bybit({"orderId": "1499999999999999999", "orderLinkId": ""}),
        canceled=_bybit({"orderId": "1499999999999999999", "orderLinkId": ""}),
        calls=("permissions",),
    ),
    "alpaca": Words(
        not_listed=({"operation": "order", "fault": "error", "code": 40410000, "times": None},),
        accepted=json.dumps(_ALPACA_ORDER | {"status": "pending_new"}),
        canceled=json.dumps(_ALPACA_ORDER | {"status": "pending_cancel"}),
        calls=("equity",),
    ),
    "okx": Words(
        not_listed=(
            {"operation": "order", "fault": "error", "code": 51603, "times": None},
            *_empty("closed_orders"),
        ),
        accepted=_okx_row("1499999999999999999"),
        canceled=_okx_row("1400000000000000001"),
        calls=("permissions",),
    ),
}
VENUES = tuple(WORDS)

# Store and venue have nothing to do with each other: each venue is tried on one store, in turn.
ON_A_STORE = tuple((name, ("sqlite", "postgresql")[place % 2]) for place, name in enumerate(VENUES))

EVERYWHERE = os.environ.get("DRILLS") == "all"


def in_turn(drill: Callable[..., None], places: Sequence[T]) -> Sequence[T]:
    """Return the two places whose turn it is, opposite each other; all where all are asked for."""
    first, half = crc32(drill.__name__.encode()) % len(places), len(places) // 2
    return places if EVERYWHERE else [places[first], places[(first + half) % len(places)]]


def each_venue(drill: Drill) -> Drill:
    """Run a drill at each venue in turn, by `name`."""
    return pytest.mark.parametrize("name", in_turn(drill, VENUES))(drill)


def each_venue_on_a_store(drill: Drill) -> Drill:
    """Run a drill at each venue in turn, by `venue`, and on both stores."""
    return pytest.mark.parametrize(("venue", "store_url"), in_turn(drill, ON_A_STORE), indirect=["store_url"])(drill)


def each_name_on_a_store(drill: Drill) -> Drill:
    """Do the same by `name`."""
    return pytest.mark.parametrize(("name", "store_url"), in_turn(drill, ON_A_STORE), indirect=["store_url"])(drill)
