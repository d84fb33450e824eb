"""Write Binance's exchangeInfo: each market with its status, order types and filters."""

from collections.abc import Iterable
from typing import Any

from brokers.simulator.numbers import at_least
from brokers.simulator.world import Listing, MarketStatus

_MOST = "9000000.00000000"
_PLACES = 8


def exchange_info(listings: Iterable[Listing], now_ms: int) -> dict[str, Any]:
    """Build the whole answer."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
        ],
        "exchangeFilters": [],
        "symbols": [_market(listing) for listing in listings],
    }


def _market(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.base + listing.quote,
        "status": "TRADING" if listing.status is MarketStatus.ONLINE else "BREAK",
        "baseAsset": listing.base,
        "baseAssetPrecision": _PLACES,
        "quoteAsset": listing.quote,
        "quotePrecision": _PLACES,
        "quoteAssetPrecision": _PLACES,
        "baseCommissionPrecision": _PLACES,
        "quoteCommissionPrecision": _PLACES,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _filters(listing: Listing) -> list[dict[str, Any]]:
    tick, step = at_least(listing.tick, _PLACES), at_least(listing.lot_step, _PLACES)
    least = at_least(listing.min_quantity, _PLACES)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": _MOST, "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": _MOST, "stepSize": "0.00000000"},
        {
            "filterType": "NOTIONAL",
            "minNotional": at_least(listing.min_notional, _PLACES),
            "applyMinToMarket": True,
            "maxNotional": _MOST,
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
