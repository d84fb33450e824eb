"""What accounts of one venue share is read once; every number is the one the venue wrote."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web
from pydantic import SecretStr

from brokers.hub import TICKERS_FRESH_FOR, Venues
from brokers.simulator.handle import RunningVenue
from models.errors import VenueUnavailable
from models.fleet import Account
from models.settings import Credentials
from tests.brokers.at_venue import QUOTE, TRIES, a_world, hub, impatient, reach, shared_at
from tests.brokers.test_errors import sale

pytestmark = pytest.mark.wire

ACCOUNTS = 10


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 12, tzinfo=UTC) + self.passed

    def elapsed(self) -> timedelta:
        return self.passed

    async def sleep(self, span: timedelta) -> None:
        self.passed += span


async def use(venues: Venues, venue: RunningVenue, account: str) -> int:
    """Do what a run does with an account; return how much it holds and how many prices there are."""
    async with reach(venue, account, venues=venues) as at:
        tickers, holdings = await asyncio.gather(at.shared.tickers(impatient()), at.account.holdings())
        return len(tickers.prices) + len(holdings)


@pytest.mark.parametrize("name", ["kraken", "binance"])
async def test_many_accounts_load_markets_and_tickers_once(name: str) -> None:
    world = a_world(name, {f"a{n}": {"BTC": str(n + 1)} for n in range(ACCOUNTS)})
    with RunningVenue(world) as venue:
        async with hub() as venues:
            found = await asyncio.gather(*(use(venues, venue, f"a{n}") for n in range(ACCOUNTS)))

        assert found == [4] * ACCOUNTS
        assert (venue.calls("markets"), venue.calls("tickers")) == (1, 1)
        assert venue.calls("balance") == ACCOUNTS


async def test_a_failed_read_is_shared_by_those_who_waited_and_made_again_by_the_next(venue: RunningVenue) -> None:
    async with hub() as venues:
        shared, before = shared_at(venues, venue), venue.calls("tickers")
        await shared.load(impatient())
        venue.set_faults({"operation": "tickers", "fault": "status", "status": 503, "times": TRIES})

        failed = await asyncio.gather(*(shared.tickers(impatient()) for _ in range(5)), return_exceptions=True)
        again = await shared.tickers(impatient())

    assert [type(answer) for answer in failed] == [VenueUnavailable] * 5
    assert again.prices
    assert venue.calls("tickers") == before + TRIES + 1


async def test_tickers_are_read_again_once_they_are_old(venue: RunningVenue) -> None:
    clock = HandClock()
    async with hub(clock) as venues:
        shared, before = shared_at(venues, venue), venue.calls("tickers")
        await shared.tickers(impatient())
        await clock.sleep(TICKERS_FRESH_FOR - timedelta(seconds=1))
        await shared.tickers(impatient())
        fresh = venue.calls("tickers") - before
        await clock.sleep(timedelta(seconds=1))
        await shared.tickers(impatient())

    assert (fresh, venue.calls("tickers") - before) == (1, 2)


async def test_prices_are_the_venue_s_own_digits_and_a_market_without_one_has_none(venue: RunningVenue) -> None:
    quote = QUOTE[venue.world.venue]
    async with reach(venue) as at:
        tickers = await at.shared.tickers(impatient())

    assert {symbol: price.value for symbol, price in tickers.prices.items()} == {
        f"BTC/{quote}": Decimal("50000.1"),
        f"ETH/{quote}": Decimal("2500.01"),
        f"DOGE/{quote}": Decimal("0.0812345"),
    }
    assert {price.source for price in tickers.prices.values()} == {"ticker.last"}
    assert all(abs(price.at - datetime.now(UTC)) < timedelta(minutes=1) for price in tickers.prices.values())


@pytest.mark.parametrize("name", ["kraken", "binance"])
async def test_a_market_s_sizes_are_the_venue_s_own_digits(name: str) -> None:
    quote = QUOTE[name]
    sizes = {"lot_step": "0.00001", "min_quantity": "0.0007", "min_notional": "0.55", "price": "1.1", "tick": "0.1"}
    markets = [{"symbol": f"BTC/{quote}", **sizes}, {"symbol": f"ETH/{quote}", **sizes, "status": "halted"}]
    with RunningVenue(a_world(name, {"platform": {}}, markets=markets)) as venue:
        async with reach(venue) as at:
            found = at.shared.markets(quote)
            assets = at.shared.assets()

    btc = found[f"BTC/{quote}"]
    assert (btc.lot_step, btc.minimum_quantity, btc.minimum_notional) == (
        Decimal("0.00001"),
        Decimal("0.0007"),
        Decimal("0.55"),
    )
    assert (btc.active, found[f"ETH/{quote}"].active) == (True, False)
    assert {"BTC", "ETH", quote} <= assets


@pytest.mark.parametrize("name", ["kraken", "binance"])
async def test_balances_are_the_venue_s_own_digits(name: str) -> None:
    owned = {"BTC": "0.12345678", "ETH": "90071992547.40993001", QUOTE[name]: "1234567.89"}
    with RunningVenue(a_world(name, {"platform": {**owned, "DOGE": "0"}})) as venue:
        async with reach(venue) as at:
            found = await at.account.holdings()

    assert {h.asset: h.free for h in found} == {asset: Decimal(total) for asset, total in owned.items()}
    assert {(h.held, h.locked) for h in found} == {(Decimal(0), Decimal(0))}


async def test_what_an_order_came_to_is_told_in_the_venue_s_own_digits(venue: RunningVenue) -> None:
    intent = sale(venue)
    async with reach(venue) as at:
        order_id, _ = await at.account.place(intent, datetime.now(UTC))
        order = (await at.account.orders_by_id([(order_id, intent.symbol)]))[order_id]
        same = await at.account.find(intent.client_order_id, intent.symbol, datetime.now(UTC) - timedelta(minutes=1))
        nothing = await at.account.find("0" * 32, intent.symbol, datetime.now(UTC) - timedelta(minutes=1))
        traded = await at.account.order_ids_traded(intent.symbol, datetime.now(UTC) - timedelta(minutes=1))

    (fill,) = [f for f in venue.fills("platform") if f.order_id == order_id]
    assert (order.filled, order.average_price) == (Decimal("0.01"), fill.price)
    assert order.client_order_id == intent.client_order_id
    assert same is not None
    assert (same.order_id, same.filled, nothing) == (order_id, Decimal("0.01"), None)
    assert order_id in traded


@pytest.mark.parametrize("name", ["kraken", "binance"])
async def test_what_an_open_order_holds_is_held_until_it_is_canceled(name: str) -> None:
    world = a_world(name, {"platform": {"ETH": "1.5", QUOTE[name]: "10"}}, fills=[{"mode": "never"}])
    with RunningVenue(world) as venue:
        async with reach(venue) as at:
            intent = sale(venue)
            order_id, _ = await at.account.place(intent, datetime.now(UTC))
            during = {h.asset: h for h in await at.account.holdings()}
            (open_order,) = await at.account.open_orders()
            await at.account.cancel(order_id, intent.symbol)
            await at.account.cancel(order_id, intent.symbol)  # gone already: no fault
            after = {h.asset: h for h in await at.account.holdings()}

    assert (during["ETH"].free, during["ETH"].held) == (Decimal("1.49"), Decimal("0.01"))
    assert (open_order.order_id, open_order.quantity, open_order.side) == (order_id, Decimal("0.01"), "sell")
    assert open_order.client_order_id == intent.client_order_id
    assert (after["ETH"].free, after["ETH"].held) == (Decimal("1.5"), Decimal(0))


async def test_kraken_s_suffixes_are_folded_into_their_asset() -> None:
    owned = {
        "USD": "10",
        "BTC": "1",
        "ETH": "1",
        "ETH.F": "0.5",
        "ETH.S": "2",
        "ETH.B": "0.25",
        "DOGE.F": "7",
        "BTC.M": "3",
        "AUT.S": "4",
    }
    with RunningVenue(a_world("kraken", {"platform": owned})) as venue:
        async with reach(venue) as at:
            found = {h.asset: (h.free, h.held, h.locked) for h in await at.account.holdings()}

    zero = Decimal(0)
    assert found == {
        "USD": (Decimal(10), zero, zero),
        "BTC": (Decimal(1), zero, Decimal(3)),
        "ETH": (Decimal("1.5"), zero, Decimal("2.25")),
        "DOGE": (Decimal(7), zero, zero),
        "AUT": (zero, zero, Decimal(4)),
    }


async def test_kraken_says_what_the_account_is_worth_and_silence_about_it_decides_nothing(kraken: RunningVenue) -> None:
    async with reach(kraken) as at:
        told = await at.account.reported_equity("USD")
        kraken.set_faults({"operation": "equity", "fault": "html", "times": None})
        silent = await at.account.reported_equity("USD")

    assert told is not None
    assert told > 0
    assert silent is None


async def test_calls_go_where_the_fleet_file_says(venue: RunningVenue) -> None:
    async with reach(venue) as at:
        addresses = at.shared._client.urls["api"]
        used = {addresses[api] for api in ("public", "private")}

    assert all(address.startswith(venue.url) for address in used)


@pytest.fixture
async def okx() -> AsyncIterator[tuple[str, list[str]]]:
    """Serve the little of OKX that a balance needs; return its address and the paths that were asked for."""
    asked: list[str] = []
    instrument = {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "baseCcy": "BTC",
        "quoteCcy": "USDT",
        "tickSz": "0.1",
        "lotSz": "0.00000001",
        "minSz": "0.00001",
        "state": "live",
    }
    details = [
        {"ccy": "BTC", "availBal": "0.12345678", "frozenBal": "0.1", "eq": "0.22345678", "cashBal": "0.22345678"}
    ]
    answers = {
        "/api/v5/public/instruments": [instrument],
        "/api/v5/account/balance": [{"uTime": "1700000000000", "details": details}],
    }

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"code": "0", "msg": "", "data": answers.get(request.path, [])})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", asked
    await runner.cleanup()


async def test_any_other_ccxt_venue_is_reached_at_its_url_too(okx: tuple[str, list[str]]) -> None:
    url, asked = okx
    account = Account(id="a", kind="user", venue="okx", quote="USDT", url=url)
    async with hub() as venues:
        keys = Credentials(SecretStr("k"), SecretStr("s"), SecretStr("p"))
        shared = venues.shared(account, url, keys)
        await shared.load(impatient())
        client = shared.account_client("a", keys, impatient())
        (btc,) = await client.holdings()
        await client.close()

    assert (btc.asset, btc.free, btc.held) == ("BTC", Decimal("0.12345678"), Decimal("0.1"))
    assert shared.markets("USDT")["BTC/USDT"].lot_step == Decimal("0.00000001")
    assert "/api/v5/account/balance" in asked


@pytest.mark.parametrize("name", ["alpaca", "bitstamp", "bybit", "coinbase", "gate", "okx"])
async def test_no_address_of_another_venue_is_left_when_a_url_is_given(name: str) -> None:
    def leaves(node: object) -> list[str]:
        return [leaf for value in node.values() for leaf in leaves(value)] if isinstance(node, dict) else [str(node)]

    url = "http://127.0.0.1:9"
    async with hub() as venues:
        keys = Credentials(SecretStr("k"), SecretStr("s"))
        shared = venues.shared(Account(id="a", kind="user", venue=name, url=url), url, keys)
        addresses = leaves(shared._client.urls["api"])

    assert addresses
    assert all(address.startswith(url) for address in addresses)
