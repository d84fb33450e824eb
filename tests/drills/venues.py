"""The venues that every drill runs against, and what a drill must know of a venue's wire to make it lie.

A new venue is one row: its simulated wire format, and these words.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

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

WORDS: dict[str, Words] = {
    "kraken": Words(
        not_listed=_empty("open_orders", "closed_orders"),
        not_by_id=_empty("order"),
        accepted=json.dumps({"error": [], "result": {"descr": {"order": "sell"}, "txid": ["OAAAAA-AAAAA-AAAAAA"]}}),
        canceled=json.dumps({"error": [], "result": {"count": 1}}),
        calls=("equity", "closed_orders"),
    ),
    "binance": Words(
        not_listed=({"operation": "order", "fault": "error", "code": -2013, "status": 400, "times": None},),
        accepted=json.dumps(_BINANCE_ORDER | {"orderId": 99_999_999, "status": "NEW"}),
        canceled=json.dumps(_BINANCE_ORDER | {"orderId": 1, "status": "CANCELED"}),
    ),
}
VENUES = tuple(WORDS)
each_venue = pytest.mark.parametrize("name", VENUES)
