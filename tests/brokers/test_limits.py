"""What each venue counts, and how much: by the venue's documents, for the calls that a run makes."""

from typing import Any

import ccxt.async_support as ccxt
import pytest

from brokers.limits import Request, limits_of
from brokers.venues import VENUES


def counted(venue: str, path: str, api: list[str], method: str = "GET", **params: Any) -> dict[str, float]:
    """Return by which limits a call counts, and how much."""
    client = getattr(ccxt, venue)()
    node: Any = client.describe()["api"]
    for name in (*api, method.lower()):
        node = node[name]
    cost = client.calculate_rate_limiter_cost(api, method, path, params, node[path])
    request = Request(path, method, params, cost, is_private="public" not in api)
    costs = {allowed.name: allowed.cost(request) for allowed in limits_of(venue).all}
    return {name: round(cost, 6) for name, cost in costs.items() if cost}


@pytest.mark.parametrize(
    ("venue", "path", "api", "method", "params", "costs"),
    [
        ("kraken", "BalanceEx", ["private"], "POST", {}, {"counter": 1}),
        ("kraken", "TradesHistory", ["private"], "POST", {}, {"counter": 2}),
        ("kraken", "AddOrder", ["private"], "POST", {"pair": "XBTUSD"}, {"orders": 9}),
        ("kraken", "CancelOrder", ["private"], "POST", {}, {}),
        ("kraken", "Ticker", ["public"], "GET", {}, {"public": 1}),
        ("binance", "account", ["private"], "GET", {}, {"weight": 20}),
        ("binance", "openOrders", ["private"], "GET", {}, {"weight": 80}),
        ("binance", "openOrders", ["private"], "GET", {"symbol": "ETHUSDT"}, {"weight": 6}),
        ("binance", "order", ["private"], "POST", {"symbol": "ETHUSDT"}, {"weight": 1, "orders": 1}),
        ("binance", "order", ["private"], "GET", {"symbol": "ETHUSDT"}, {"weight": 4}),
        ("binance", "order", ["private"], "DELETE", {"symbol": "ETHUSDT"}, {"weight": 1}),
        ("binance", "ticker/24hr", ["public"], "GET", {}, {"weight": 80}),
        ("binance", "exchangeInfo", ["public"], "GET", {}, {"weight": 20}),
        ("binance", "account/apiRestrictions", ["sapi"], "GET", {}, {"weight": 1}),
        ("coinbase", "brokerage/orders", ["v3", "private"], "POST", {}, {"private": 1}),
        ("coinbase", "brokerage/market/products", ["v3", "public"], "GET", {}, {"public": 1}),
        ("okx", "account/balance", ["private"], "GET", {}, {"calls": 2}),  # 10 in two seconds
        ("okx", "trade/order", ["private"], "POST", {}, {"calls": 0.333333}),  # 60
        ("okx", "market/tickers", ["public"], "GET", {}, {"public": 1}),  # 20
        ("alpaca", "v2/orders", ["trader", "private"], "POST", {}, {"calls": 1}),
        ("bybit", "v5/order/create", ["private"], "POST", {}, {"address": 1, "calls": 2.5}),  # 20 a second
        ("bybit", "v5/account/wallet-balance", ["private"], "GET", {}, {"address": 1, "calls": 1}),  # 50
        ("bybit", "v5/user/query-api", ["private"], "GET", {}, {"address": 1, "calls": 5}),  # 10
        ("bybit", "v5/market/tickers", ["public"], "GET", {}, {"address": 1}),
    ],
)
def test_a_call_costs_what_the_venue_counts(  # noqa: PLR0917 - a row of the table
    venue: str, path: str, api: list[str], method: str, params: dict[str, str], costs: dict[str, float]
) -> None:
    assert counted(venue, path, api, method, **params) == costs


def test_a_venue_without_a_row_is_asked_as_often_as_ccxt_would() -> None:
    (calls,) = limits_of("bitstamp").all

    assert calls.limit.capacity / 2 == 1000 / ccxt.bitstamp().rateLimit
    assert not calls.by_key


@pytest.mark.parametrize("venue", VENUES)
def test_the_first_limit_of_a_venue_is_its_address_s(venue: str) -> None:
    assert not limits_of(venue).all[0].by_key
