"""What each venue allows, as it counts it: by address or by key, by weight or by call, and what each call costs.

A new venue is a row here; one without a row gets what ccxt knows of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import ccxt.async_support as ccxt

from rules.throttle import Counter, Limit, Window


@dataclass(frozen=True, slots=True)
class Request:
    """One call, before it is signed. `ccxt_cost` is in ccxt's own units for the venue."""

    path: str
    method: str
    params: Mapping[str, Any]
    ccxt_cost: float
    is_private: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    """One limit of a venue. A call that costs nothing is not counted.

    `each`: the venue counts apart what this names (a path, a pair). `is_shared`: other processes may spend of it.
    """

    name: str
    limit: Limit
    cost: Callable[[Request], float]
    by_key: bool = False
    each: Callable[[Request], str] | None = None
    is_shared: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a venue; the first is the address's, which every call passes.

    `refusals`: which limit a refusal speaks of, by the beginning of the venue's words. Where nothing is said, it is
    `usually`, else the narrowest one that counted the call.
    """

    all: tuple[Allowed, ...]
    refusals: Mapping[str, str] = field(default_factory=dict)
    usually: str = ""


def _path(request: Request) -> str:
    return request.path


def _pair(request: Request) -> str:
    return str(request.params.get("pair", ""))


def _public(request: Request) -> float:
    return 0.0 if request.is_private else 1.0


def _private(request: Request) -> float:
    return 1.0 if request.is_private else 0.0


def _every_call(_request: Request) -> float:
    return 1.0


# https://docs.kraken.com/exchange/guides/rest/ratelimits: of the lowest tier, less one, since it falls in steps.
_KRAKEN_COUNTER = Counter(14, 0.33)
# https://docs.kraken.com/exchange/guides/general/ratelimits: an order, and its cancellation within five seconds.
_KRAKEN_ORDER = 9.0


def _kraken_counter(request: Request) -> float:
    return request.ccxt_cost / 3 if request.is_private else 0.0


def _kraken_orders(request: Request) -> float:
    return _KRAKEN_ORDER if request.path.startswith("AddOrder") else 0.0


def _kraken_public(request: Request) -> float:
    return 0.0 if request.is_private else request.ccxt_cost


# ccxt counts in fifths of a weight. What is asked of /sapi has weights of its own, ten units of ccxt's each.
def _binance_weight(request: Request) -> float:
    is_spot = "/" not in request.path or request.path.startswith("ticker/")
    return request.ccxt_cost * 5 if is_spot else max(1.0, request.ccxt_cost * 10)


def _binance_orders(request: Request) -> float:
    return 1.0 if request.method == "POST" and request.path == "order" else 0.0


# https://www.okx.com/docs-v5/en/#overview-rate-limits; ccxt's costs are shares of 20 calls in two seconds.
_OKX_ENDPOINT = Window(20, 2)

# https://bybit-exchange.github.io/docs/v5/rate-limit: calls a second; of others 10 are taken to be allowed.
_BYBIT = {
    "v5/order/create": 20,
    "v5/order/cancel": 20,
    "v5/order/realtime": 50,
    "v5/order/history": 50,
    "v5/execution/list": 50,
    "v5/account/wallet-balance": 50,
}
_BYBIT_SECOND = Window(50, 1)


def _bybit_endpoint(request: Request) -> float:
    return 50 / _BYBIT.get(request.path, 10) if request.is_private else 0.0


COINGECKO_DEMO_A_MINUTE, COINGECKO_PRO_A_MINUTE = 30, 250

LIMITS: dict[str, Limits] = {
    "kraken": Limits(
        all=(
            # One call a second is said to be safe; that a few may come together is what clients rely on.
            Allowed("public", Counter(15, 1), _kraken_public),
            Allowed("counter", _KRAKEN_COUNTER, _kraken_counter, by_key=True),
            # Who places orders holds the account, so no other process spends of it.
            Allowed("orders", Counter(60, 1), _kraken_orders, by_key=True, each=_pair, is_shared=False),
        ),
        refusals={"EAPI:": "counter", "EOrder:": "orders"},
    ),
    "binance": Limits(
        all=(
            # https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits
            Allowed("weight", Window(6000, 60), _binance_weight),
            Allowed("orders", Window(50, 10), _binance_orders, by_key=True),
        ),
        refusals={"-1015": "orders"},
        usually="weight",
    ),
    "coinbase": Limits(
        all=(
            # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/rate-limits
            Allowed("public", Window(10, 1), _public),
            Allowed("private", Window(30, 1), _private, by_key=True),
        ),
    ),
    "okx": Limits(
        all=(
            Allowed("address", Counter(1, 1), lambda _request: 0.0),
            Allowed("public", _OKX_ENDPOINT, lambda r: 0.0 if r.is_private else r.ccxt_cost, each=_path),
            Allowed("calls", _OKX_ENDPOINT, lambda r: r.ccxt_cost if r.is_private else 0.0, by_key=True, each=_path),
        ),
    ),
    "alpaca": Limits(
        all=(
            # https://docs.alpaca.markets/docs/usage-limit-api-calls
            Allowed("public", Window(200, 60), _public),
            Allowed("calls", Window(200, 60), _private, by_key=True),
        ),
    ),
    "bybit": Limits(
        all=(
            Allowed("address", Window(600, 5), _every_call),
            Allowed("calls", _BYBIT_SECOND, _bybit_endpoint, by_key=True, each=_path),
        ),
        refusals={"10018": "address"},
    ),
    # https://docs.coingecko.com/reference/common-errors-rate-limit: of the least plan of each address. A setting of its
    # own raises them, since plans differ.
    "coingecko": Limits(all=(Allowed("calls", Window(COINGECKO_DEMO_A_MINUTE, 60), _every_call),)),
    "coingecko-pro": Limits(all=(Allowed("calls", Window(COINGECKO_PRO_A_MINUTE, 60), _every_call),)),
    # https://docs.polymarket.com/api-reference/rate-limits: 300 in ten seconds of Gamma's markets, 1,000 of the CLOB's
    # prices. What is over the limit is slowed down there, not refused.
    "polymarket": Limits(
        all=(
            Allowed("address", Window(900, 10), _every_call),
            Allowed("calls", Window(300, 10), _every_call, each=_path),
        ),
    ),
}


def per_minute(calls: float) -> Limits:
    """Return one limit by address, of so many calls in a minute."""
    return Limits(all=(Allowed("calls", Window(calls, 60), _every_call),))


@cache
def limits_of(venue: str) -> Limits:
    """Return what a venue allows; what ccxt says of it where there is no row."""
    return LIMITS[venue] if venue in LIMITS else _generic(venue)


def _generic(venue: str) -> Limits:
    """Return one limit by address: ccxt's pace, two seconds of it at once."""
    per_second = 1000 / float(getattr(ccxt, venue)().rateLimit or 1000)
    calls = Counter(max(2 * per_second, 2.0), per_second)
    return Limits(all=(Allowed("calls", calls, lambda request: request.ccxt_cost),))
