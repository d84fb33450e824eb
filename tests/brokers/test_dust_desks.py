"""Conversions at venues without a simulator here: the calls ccxt makes, answered in the shapes of their documents."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import ClientSession, web

from brokers.client import build_client
from brokers.dust_desks import DUST_DESKS
from brokers.order_window import OrderWindow
from brokers.venue_clock import VenueClock
from models.clock import SystemClock
from models.dust import Converted, DustOffer

pytestmark = pytest.mark.wire

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANSWERS: dict[tuple[str, str, str], Any] = {
    ("gate", "GET", "/wallet/small_balance"): [
        {"currency": "DUST", "available_balance": "0.6", "estimated_as_btc": "0.00001", "convertible_to_gt": "0.05"},
        {"currency": "OTHER", "available_balance": "1", "estimated_as_btc": "0.00001", "convertible_to_gt": "0.04"},
    ],
    ("gate", "GET", "/wallet/small_balance_history"): [
        {"id": "7", "currency": "DUST", "amount": "0.6", "gt_amount": "0.05", "create_time": int(AT.timestamp())},
        {"id": "6", "currency": "DUST", "amount": "9", "gt_amount": "9", "create_time": int(AT.timestamp()) - 60},
    ],
    ("gate", "POST", "/wallet/small_balance"): {"code": 0},
    ("mexc", "GET", "/api/v3/capital/convert/list"): [
        {"asset": "DUST", "balance": "0.6", "convertMx": "0.2", "convertUsdt": "0.59", "code": "", "message": ""},
        {"asset": "LOCKED", "balance": "1", "convertMx": "0.2", "convertUsdt": "0.5", "code": "30021", "message": "no"},
    ],
    ("mexc", "GET", "/api/v3/capital/convert"): {
        "data": [
            {
                "totalConvert": "0.2",
                "totalFee": "0.004",
                "convertTime": int(AT.timestamp() * 1000),
                "convertDetails": [
                    {
                        "id": "377562",
                        "convert": "0.2",
                        "fee": "0.004",
                        "amount": "0.6",
                        "time": int(AT.timestamp() * 1000),
                        "asset": "DUST",
                    }
                ],
            }
        ],
        "total": 1,
        "page": 1,
    },
    ("mexc", "POST", "/api/v3/capital/convert"): {"successList": ["DUST"], "failedList": [], "totalConvert": "0.2"},
}
EXPECTED = {
    "gate": (
        DustOffer("DUST", Decimal("0.6"), "GT", Decimal("0.05"), None),
        Converted("7", "DUST", Decimal("0.6"), "GT", Decimal("0.05"), Decimal(0), AT),
    ),
    "mexc": (
        DustOffer("DUST", Decimal("0.6"), "MX", Decimal("0.2"), None),
        Converted("377562", "DUST", Decimal("0.6"), "MX", Decimal("0.2"), Decimal("0.004"), AT),
    ),
}


@pytest.fixture(params=["gate", "mexc"])
async def at_venue(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Any, list[tuple[str, str]]]]:
    """A ccxt client whose wallet calls reach a server that answers as the venue's documents say."""
    name: str = request.param
    posted: list[tuple[str, str]] = []

    async def answer(asked: web.Request) -> web.Response:
        body = (await asked.read()).decode()
        if asked.method == "POST":
            posted.append((asked.path, asked.query_string + body))
        found = ANSWERS[name, asked.method, asked.path]
        return web.Response(text=json.dumps(found), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]

    async with ClientSession() as session:
        url = f"http://127.0.0.1:{port}"
        spot = {"public": url, "private": url}
        api = {"private": {"wallet": url}, "public": {"wallet": url}, "spot": spot}
        client = build_client(
            name,
            {"apiKey": "k", "secret": "s", "urls": {"api": api}},
            session=session,
            required_keys=lambda _url: None,
            timeout_seconds=1,
            venue_clock=VenueClock(name, SystemClock()),
        )
        client.currencies = {"DUST": {"id": "DUST", "code": "DUST"}}
        yield name, client, posted
        await client.close()
    await runner.cleanup()


async def test_what_may_be_converted_is_offered_with_what_it_brings(at_venue: tuple[str, Any, Any]) -> None:
    name, client, _ = at_venue

    assert await DUST_DESKS[name].offers(client, ["DUST", "LOCKED"]) == (EXPECTED[name][0],)


async def test_a_conversion_names_its_asset(at_venue: tuple[str, Any, list[tuple[str, str]]]) -> None:
    name, client, posted = at_venue

    await DUST_DESKS[name].convert(client, ["DUST"], OrderWindow(AT, AT + timedelta(seconds=10)))

    ((_, asked),) = posted
    assert "DUST" in asked


async def test_the_history_tells_what_came_of_it(at_venue: tuple[str, Any, Any]) -> None:
    name, client, _ = at_venue

    assert await DUST_DESKS[name].history(client, AT - timedelta(seconds=1)) == (EXPECTED[name][1],)
