"""Answer Bybit's conversion of small balances: what is offered, a quote, its execution, and the history.

https://bybit-exchange.github.io/docs/v5/asset/convert-small-balance/request-quote and its neighbours; the paths are
spelled "covert" there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.simulator.bybit.names import shown
from brokers.simulator.bybit.public import Routes
from brokers.simulator.numbers import whole
from brokers.simulator.orders import Conversion
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Call, Endpoint, Operation

_WALLET = "eb_convert_uta"
_MOST_COINS = 20
_QUOTE_LIVES_MS = 30_000
_RECORDS, _MOST_RECORDS = 50, 100
_CODE = 10001


@dataclass(frozen=True, slots=True)
class _Quote:
    account: str
    coins: tuple[str, ...]
    expires_ms: int


class BybitDust:
    """Endpoints around small balances."""

    def __init__(self, venue: Venue) -> None:
        """Answer from this venue; a quote that nobody confirmed is forgotten with the process."""
        self._venue = venue
        self._quotes: dict[str, _Quote] = {}

    def endpoints(self) -> Routes:
        """Every endpoint of the conversion."""
        rows = [
            ("GET", "small-balance-list", Operation.DUST_OFFER, self.coins),
            ("POST", "get-quote", Operation.DUST_OFFER, self.quote),
            ("POST", "small-balance-execute", Operation.CONVERT_DUST, self.execute),
            ("GET", "small-balance-history", Operation.DUST_HISTORY, self.history),
        ]
        return {
            (method, f"/v5/asset/covert/{name}"): Endpoint(name, operation, handler, signed=True)
            for method, name, operation, handler in rows
        }

    def coins(self, call: Call) -> Any:
        """Small balances, and what they can be turned into."""
        _wallet(call)
        only = call.params.get("fromCoin")
        offers = [o for o in self._venue.dust.offers(call.owner, call.now_ms) if only in {None, o.asset}]
        unsaid = {"toCoin": "", "toAmount": "", "exchangeRate": "", "feeInfo": None, "taxFeeInfo": None}
        into = {offer.into for offer in offers} or {self._venue.world.manners.quote}
        return {"smallAssetCoins": [{**_offered(o), **unsaid} for o in offers], "supportToCoins": sorted(into)}

    def quote(self, call: Call) -> Any:
        """Say what the named coins would bring. Nothing of it is done."""
        _wallet(call)
        coins = _coins(call)
        offers = {o.asset: o for o in self._venue.dust.offers(call.owner, call.now_ms)}
        quoted = [offers[coin] for coin in coins if coin in offers and offers[coin].into == call.params.get("toCoin")]
        if len(quoted) < len(coins):
            raise Refusal(Reason.NOT_CONVERTIBLE)
        number = self._unused(call.now_ms)
        self._quotes[str(number)] = _Quote(call.owner, coins, call.now_ms + _QUOTE_LIVES_MS)
        return {
            "quoteId": str(number),
            "result": {
                "quoteCreateTime": str(call.now_ms),
                "quoteExpireTime": str(call.now_ms + _QUOTE_LIVES_MS),
                "exchangeCoins": [self._detailed(offer) for offer in quoted],
                "totalFeeInfo": self._fee(quoted),
                "totalTaxFeeInfo": _no_tax(quoted[0].into),
            },
        }

    def execute(self, call: Call) -> Any:
        """Carry a quote out. The venue says only that it is on its way: the history tells what came of it."""
        quote_id = call.params.get("quoteId", "")
        quote = self._quotes.pop(quote_id, None)
        if quote is None or quote.account != call.owner or quote.expires_ms < call.now_ms:
            raise Refusal(Reason.VERBATIM, "The quote does not exist or has expired.", code=_CODE, status=200)
        self._venue.dust.convert(call.owner, quote.coins, call.now_ms, batch=int(quote_id))
        submitted = {"quoteId": quote_id, "exchangeTxId": quote_id, "submitTime": str(call.now_ms)}
        return {**submitted, "status": "processing", "msg": ""}

    def history(self, call: Call) -> Any:
        """Conversions, newest first, by page; one of them by its quote."""
        start, end = whole(call.params, "startTime", 0), whole(call.params, "endTime", call.now_ms)
        wanted = call.params.get("quoteId")
        batches: dict[int, list[Conversion]] = {}
        for made in reversed(self._venue.book.conversions):
            within = start <= made.time_ms <= end
            if made.account == call.owner and (str(made.batch) == wanted if wanted else within):
                batches.setdefault(made.batch, []).insert(0, made)
        size = min(whole(call.params, "size", _RECORDS), _MOST_RECORDS)
        page = whole(call.params, "cursor", 1)
        found = list(batches.values())
        return {
            "cursor": str(page),
            "size": str(size),
            "lastPage": str(max(1, -(-len(found) // size))),
            "totalCount": str(len(found)),
            "records": [self._record(batch) for batch in found[(page - 1) * size : page * size]],
        }

    def _unused(self, now_ms: int) -> int:
        """Return a number for a quote that neither an open quote nor a conversion has."""
        taken = {int(quote_id) for quote_id in self._quotes} | {made.batch for made in self._venue.book.conversions}
        number = 1_010_000_000_000_000_000 + now_ms * 1000
        while number in taken:
            number += 1
        return number

    def _detailed(self, offer: Conversion) -> dict[str, Any]:
        received = offer.received + offer.fee
        return {
            **_offered(offer),
            "toCoin": offer.into,
            "toAmount": shown(offer.received),
            "exchangeRate": shown(round(received / offer.quantity, 18)),
            "feeInfo": self._fee([offer]),
            "taxFeeInfo": _no_tax(offer.into),
        }

    def _fee(self, offers: Sequence[Conversion]) -> dict[str, str]:
        desk = self._venue.world.manners.dust
        total = sum((offer.fee for offer in offers), Decimal(0))
        return {
            "feeCoin": offers[0].into,
            "amount": shown(total),
            "feeRate": shown(desk.fee_fraction if desk is not None else Decimal(0)),
        }

    def _record(self, batch: Sequence[Conversion]) -> dict[str, Any]:
        first = batch[0]
        fee = self._fee(batch)
        return {
            "accountType": _WALLET,
            "exchangeTxId": str(first.batch),
            "toCoin": first.into,
            "toAmount": shown(sum((made.received for made in batch), Decimal(0))),
            "subRecords": [
                {
                    "fromCoin": made.asset,
                    "fromAmount": shown(made.quantity),
                    "toCoin": made.into,
                    "toAmount": shown(made.received),
                    "feeCoin": made.into,
                    "feeAmount": shown(made.fee),
                    "status": "success",
                    "taxFeeInfo": _no_tax(made.into),
                }
                for made in batch
            ],
            "status": "success",
            "createdAt": str(first.time_ms),
            "exchangeSource": "small_asset_uta",
            "feeCoin": fee["feeCoin"],
            "totalFeeAmount": fee["amount"],
            "totalTaxFeeInfo": _no_tax(first.into),
        }


def _offered(offer: Conversion) -> dict[str, Any]:
    worth = shown(round(offer.received + offer.fee, 8))
    return {
        "fromCoin": offer.asset,
        "supportConvert": 1,
        "availableBalance": shown(offer.quantity),
        "baseValue": worth,
    }


def _no_tax(coin: str) -> dict[str, Any]:
    return {"totalAmount": "0", "feeCoin": coin, "taxFeeItems": []}


def _wallet(call: Call) -> None:
    if call.params.get("accountType") != _WALLET:
        raise Refusal(Reason.INVALID_ARGUMENT, "accountType")


def _coins(call: Call) -> tuple[str, ...]:
    """Coins named in the body. Raises: Refusal for none, for too many, and for what is no list."""
    try:
        named = json.loads(call.params.get("fromCoinList", ""))
    except ValueError:
        named = None
    if not isinstance(named, list) or not 0 < len(named) <= _MOST_COINS:
        raise Refusal(Reason.INVALID_ARGUMENT, "fromCoinList")
    return tuple(dict.fromkeys(str(coin) for coin in named))
