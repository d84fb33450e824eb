"""Answer Binance's conversion of small balances into BNB: what it would bring, the conversion, and its log.

https://developers.binance.com/docs/wallet/asset/assets-can-convert-bnb, …/dust-transfer and …/dust-log.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from brokers.simulator.binance.names import money
from brokers.simulator.binance.public import Routes
from brokers.simulator.numbers import whole
from brokers.simulator.orders import Conversion
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation


class BinanceDust:
    """Endpoints around small balances."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue."""
        self._venue = venue

    def endpoints(self) -> Routes:
        """Every endpoint of the conversion."""
        rows = [
            ("POST", "dust-btc", Operation.DUST_OFFER, self.offers, 1),
            ("POST", "dust", Operation.CONVERT_DUST, self.convert, 10),
            ("GET", "dribblet", Operation.DUST_HISTORY, self.history, 1),
        ]
        return {
            (method, f"/sapi/v1/asset/{name}"): Endpoint(name, operation, handler, signed=True, weight=weight)
            for method, name, operation, handler, weight in rows
        }

    def offers(self, call: Call) -> Any:
        """Say what each small balance would bring. Nothing of it is done."""
        offers = self._venue.dust.offers(call.owner, call.now_ms)
        desk = self._venue.world.manners.dust
        gross = [offer.received + offer.fee for offer in offers]
        return {
            "details": [
                {
                    "asset": offer.asset,
                    "assetFullName": offer.asset,
                    "amountFree": money(offer.quantity),
                    "toBTC": money(self._in_btc(brings, call.now_ms)),
                    "toBNB": money(brings),
                    "toBNBOffExchange": money(offer.received),
                    "exchange": money(offer.fee),
                }
                for offer, brings in zip(offers, gross, strict=True)
            ],
            "totalTransferBtc": money(self._in_btc(sum(gross, Decimal(0)), call.now_ms)),
            "totalTransferBNB": money(sum(gross, Decimal(0))),
            "dribbletPercentage": str(desk.fee_fraction if desk is not None else 0),
        }

    def convert(self, call: Call) -> Any:
        """Convert the assets named; the parameter comes once for each."""
        text = f"{call.query}&{call.body.decode(errors='replace')}"
        assets = [value for name, value in parse_qsl(text) if name == "asset"]
        made = self._venue.dust.convert(call.owner, assets, call.now_ms)
        return {
            "totalServiceCharge": money(_fees(made)),
            "totalTransfered": money(_received(made)),
            "transferResult": [
                {
                    "amount": money(row.quantity),
                    "fromAsset": row.asset,
                    "operateTime": row.time_ms,
                    "serviceChargeAmount": money(row.fee),
                    "tranId": row.batch,
                    "transferedAmount": money(row.received),
                }
                for row in made
            ],
        }

    def history(self, call: Call) -> Any:
        """List the conversions of a span, newest first."""
        start, end = whole(call.params, "startTime", 0), whole(call.params, "endTime", call.now_ms)
        batches: dict[int, list[Conversion]] = {}
        for row in reversed(self._venue.book.conversions):
            if row.account == call.owner and start <= row.time_ms <= end:
                batches.setdefault(row.batch, []).append(row)
        return {"total": len(batches), "userAssetDribblets": [_dribblet(rows) for rows in batches.values()]}

    def _in_btc(self, bnb: Decimal, now_ms: int) -> Decimal:
        quote = self._venue.world.manners.quote
        symbols = [s for s in (f"BNB/{quote}", f"BTC/{quote}") if s in self._venue.listings]
        prices = [price for s in symbols if (price := self._venue.prices.last(s, now_ms)) is not None]
        return bnb * prices[0] / prices[1] if len(prices) == 2 else Decimal(0)  # noqa: PLR2004  both of them


def _dribblet(rows: Sequence[Conversion]) -> dict[str, Any]:
    return {
        "operateTime": rows[0].time_ms,
        "totalTransferedAmount": money(_received(rows)),
        "totalServiceChargeAmount": money(_fees(rows)),
        "transId": rows[0].batch,
        "userAssetDribbletDetails": [
            {
                "transId": row.batch,
                "serviceChargeAmount": money(row.fee),
                "amount": money(row.quantity),
                "operateTime": row.time_ms,
                "transferedAmount": money(row.received),
                "fromAsset": row.asset,
            }
            for row in rows
        ],
    }


def _received(rows: Sequence[Conversion]) -> Decimal:
    return sum((row.received for row in rows), Decimal(0))


def _fees(rows: Sequence[Conversion]) -> Decimal:
    return sum((row.fee for row in rows), Decimal(0))
