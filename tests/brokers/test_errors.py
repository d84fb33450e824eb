"""What a venue's fault means: for a read, and for an order. Over the wire, through the real ccxt."""

import uuid
from datetime import UTC, datetime
from typing import Any

import ccxt.async_support as ccxt
import pytest

from brokers.errors import Answer, describe, placement_error, read_error, scrub
from brokers.simulator.handle import RunningVenue
from models.errors import OutcomeUnknown, SignAgain, VenueError, VenueRefused, VenueUnavailable
from models.order import Intent
from tests.brokers.at_venue import QUOTE, TRIES, hub, impatient, reach, shared_at
from tests.builders import an_intent

wire = pytest.mark.wire

# What the venue says, what it means for an order, and our code.
KRAKEN_ORDERS: list[tuple[str, type[VenueError], str]] = [
    ("EOrder:Insufficient funds", VenueRefused, "INSUFFICIENT_FUNDS"),
    ("EOrder:Order minimum not met", VenueRefused, "INVALID_ORDER"),
    ("EOrder:Cost minimum not met", VenueRefused, "INVALID_ORDER"),
    ("EGeneral:Invalid arguments:volume", VenueRefused, "INVALID_ORDER"),
    ("EGeneral:Invalid arguments:volume minimum not met", VenueRefused, "INVALID_ORDER"),
    ("EGeneral:Invalid arguments", VenueRefused, "BAD_REQUEST"),
    ("EQuery:Unknown asset pair", VenueRefused, "BAD_SYMBOL"),
    ("EAPI:Invalid key", VenueRefused, "AUTHENTICATION"),
    ("EAPI:Invalid signature", VenueRefused, "AUTHENTICATION"),
    ("EGeneral:Permission denied", VenueRefused, "PERMISSION_DENIED"),
    ("EService:Market in cancel_only mode", VenueRefused, "MAINTENANCE"),
    ("EAPI:Rate limit exceeded", VenueRefused, "RATE_LIMITED"),
    ("EOrder:Rate limit exceeded", VenueRefused, "RATE_LIMITED"),
    ("EOrder:Orders limit exceeded", VenueRefused, "VENUE_ERROR"),
    ("EAPI:Invalid nonce", SignAgain, "NONCE_OR_CLOCK"),
    ("EGeneral:Invalid arguments:cl_ord_id not unique", OutcomeUnknown, "VENUE_ERROR"),
    ("EService:Unavailable", OutcomeUnknown, "UNREACHABLE"),
    ("EService:Busy", OutcomeUnknown, "UNREACHABLE"),
    ("EService:Deadline elapsed", OutcomeUnknown, "VENUE_ERROR"),
    ("EService:Timeout", OutcomeUnknown, "VENUE_ERROR"),
    ("EGeneral:Internal error", OutcomeUnknown, "UNREACHABLE"),
    ("ESomething:Never seen before", OutcomeUnknown, "VENUE_ERROR"),
]
BINANCE_ORDERS: list[tuple[int, str, int, type[VenueError], str]] = [
    (-2010, "Account has insufficient balance for requested action.", 400, VenueRefused, "INSUFFICIENT_FUNDS"),
    (-2010, "Duplicate order sent.", 400, OutcomeUnknown, "INVALID_ORDER"),
    (-1013, "Filter failure: LOT_SIZE", 400, VenueRefused, "INVALID_ORDER"),
    (-1013, "Filter failure: NOTIONAL", 400, VenueRefused, "BAD_REQUEST"),
    (-1013, "Market is closed.", 400, VenueRefused, "MARKET_CLOSED"),
    (-1121, "Invalid symbol.", 400, VenueRefused, "BAD_SYMBOL"),
    (-1022, "Signature for this request is not valid.", 400, VenueRefused, "AUTHENTICATION"),
    (-2015, "Invalid API-key, IP, or permissions for action.", 401, VenueRefused, "AUTHENTICATION"),
    (-1003, "Too much request weight used.", 429, VenueRefused, "RATE_LIMITED"),
    (-1003, "Way too much request weight used; IP banned until 1.", 418, VenueRefused, "RATE_LIMITED"),
    (-1015, "Too many new orders.", 429, VenueRefused, "RATE_LIMITED"),
    (-1021, "Timestamp for this request is outside of the recvWindow.", 400, SignAgain, "NONCE_OR_CLOCK"),
    (-1000, "An unknown error occurred while processing the request.", 500, OutcomeUnknown, "VENUE_ERROR"),
    (-1001, "Internal error; unable to process your request.", 500, OutcomeUnknown, "VENUE_ERROR"),
    (-1006, "An unexpected response was received from the message bus.", 500, OutcomeUnknown, "VENUE_ERROR"),
    (-1007, "Timeout waiting for response from backend server.", 504, OutcomeUnknown, "TIMEOUT"),
    (-1008, "Server is currently overloaded with other requests.", 503, OutcomeUnknown, "VENUE_ERROR"),
    (-9999, "Never seen before.", 400, OutcomeUnknown, "VENUE_ERROR"),
]
# Faults of transport: nothing is proven by any of them.
SILENCES: list[dict[str, Any]] = [
    {"fault": "refuse_before"},
    {"fault": "drop_after"},
    {"fault": "hang"},
    {"fault": "hang_after"},
    {"fault": "html"},
    {"fault": "html_after"},
    {"fault": "html", "status": 403},
    {"fault": "empty"},
    {"fault": "empty_object"},
    {"fault": "truncated"},
    {"fault": "status", "status": 429},
    {"fault": "status", "status": 502},
    {"fault": "status_after", "status": 503},
    {"fault": "status", "status": 524},
    {"fault": "null_fields"},
]


def sale(venue: RunningVenue) -> Intent:
    """Return a small sale that no other test's order can be mistaken for."""
    symbol = f"ETH/{QUOTE[venue.world.venue]}"
    return an_intent(symbol, quantity="0.01", client_order_id=uuid.uuid4().hex)


async def placement_fault(venue: RunningVenue, **fault: Any) -> VenueError:
    """Place an order that meets a fault; return what it comes out as."""
    async with reach(venue) as at:
        venue.set_faults({"operation": "place", "times": None, **fault})
        with pytest.raises(VenueError) as caught:
            await at.account.place(sale(venue), datetime.now(UTC))
    return caught.value


@wire
@pytest.mark.parametrize(("text", "meaning", "code"), KRAKEN_ORDERS)
async def test_what_kraken_answers_to_an_order(
    kraken: RunningVenue, text: str, meaning: type[VenueError], code: str
) -> None:
    error = await placement_fault(kraken, fault="error", code=text)

    assert (type(error), error.code, error.detail) == (meaning, code, text)


@wire
@pytest.mark.parametrize(("number", "text", "status", "meaning", "code"), BINANCE_ORDERS)
async def test_what_binance_answers_to_an_order(  # noqa: PLR0917 - a row of the table
    binance: RunningVenue, number: int, text: str, status: int, meaning: type[VenueError], code: str
) -> None:
    error = await placement_fault(binance, fault="error", code=number, message=text, status=status)

    assert (type(error), error.code, error.detail) == (meaning, code, f"{number} {text}")


@wire
@pytest.mark.parametrize("fault", SILENCES, ids=str)
async def test_an_order_without_a_readable_answer_has_no_known_outcome_and_is_sent_once(
    venue: RunningVenue, fault: dict[str, Any]
) -> None:
    before = venue.calls("place")

    error = await placement_fault(venue, **fault)

    assert type(error) is OutcomeUnknown
    assert venue.calls("place") == before + 1


@wire
async def test_an_order_that_was_refused_for_its_nonce_may_be_signed_again(venue: RunningVenue) -> None:
    filled, placed = len(venue.fills("platform")), venue.calls("place")
    async with reach(venue) as at:
        venue.set_faults({"operation": "place", "fault": "invalid_nonce"})
        with pytest.raises(SignAgain):
            await at.account.place(sale(venue), datetime.now(UTC))

    assert (venue.calls("place"), len(venue.fills("platform"))) == (placed + 1, filled)


@wire
async def test_an_order_to_a_closed_port_never_left(venue: RunningVenue) -> None:
    async with reach(venue) as at:
        at.account._client.urls["api"] = dict.fromkeys(at.account._client.urls["api"], "http://127.0.0.1:1")
        with pytest.raises(VenueRefused) as caught:
            await at.account.place(sale(venue), datetime.now(UTC))

    assert caught.value.code == "UNREACHABLE"


@wire
@pytest.mark.parametrize("fault", SILENCES, ids=str)
@pytest.mark.parametrize("operation", ["balance", "open_orders"])
async def test_a_read_without_a_readable_answer_raises_and_is_tried_again(
    venue: RunningVenue, operation: str, fault: dict[str, Any]
) -> None:
    before = venue.calls(operation)
    async with reach(venue) as at:
        venue.set_faults({"operation": operation, "times": None, **fault})
        read = at.account.holdings if operation == "balance" else at.account.open_orders
        if fault["fault"] == "null_fields" and operation == "open_orders":
            assert await read() == ()  # there was none, and no field to lose
            return
        with pytest.raises(VenueUnavailable):
            await read()

    assert venue.calls(operation) >= before + TRIES  # aiohttp itself repeats a GET whose connection was cut


@wire
@pytest.mark.parametrize("operation", ["markets", "tickers"])
@pytest.mark.parametrize("fault", ["html", "empty", "empty_object", "empty_result", "truncated", "refuse_before"])
async def test_a_public_read_without_a_readable_answer_raises(venue: RunningVenue, operation: str, fault: str) -> None:
    async with hub() as venues:
        shared = shared_at(venues, venue)
        venue.set_faults({"operation": operation, "times": None, "fault": fault})
        with pytest.raises(VenueUnavailable):
            await (shared.load(impatient()) if operation == "markets" else shared.tickers(impatient()))


@wire
@pytest.mark.parametrize(
    ("fault", "meaning", "code"),
    [
        ("auth_revoked", VenueRefused, "AUTHENTICATION"),
        ("rate_limited", VenueUnavailable, "RATE_LIMITED"),
        ("maintenance", VenueUnavailable, None),
        ("invalid_nonce", SignAgain, "NONCE_OR_CLOCK"),
        ("clock_error", SignAgain, "NONCE_OR_CLOCK"),
        ("nan_numbers", VenueUnavailable, "MALFORMED_ANSWER"),
        ("wrong_types", VenueUnavailable, "MALFORMED_ANSWER"),
    ],
)
async def test_what_a_refused_read_means(
    venue: RunningVenue, fault: str, meaning: type[VenueError], code: str | None
) -> None:
    before = venue.calls("balance")
    async with reach(venue) as at:
        venue.set_faults({"operation": "balance", "fault": fault, "times": None})
        with pytest.raises(VenueError) as caught:
            await at.account.holdings()

    assert type(caught.value) is meaning
    assert caught.value.code == code or code is None
    assert venue.calls("balance") == before + (1 if meaning is VenueRefused else TRIES)


@wire
async def test_a_wrong_secret_is_a_matter_of_authentication(venue: RunningVenue) -> None:
    async with reach(venue, secret="c29tZXRoaW5nIGVsc2U=") as at:
        with pytest.raises(VenueRefused) as caught:
            await at.account.holdings()

    assert caught.value.code == "AUTHENTICATION"


@wire
async def test_a_read_that_works_the_second_time_is_a_read(venue: RunningVenue) -> None:
    async with reach(venue) as at:
        venue.set_faults({"operation": "balance", "fault": "status", "status": 503})

        assert await at.account.holdings()


def test_a_class_without_the_venue_s_own_code_proves_nothing() -> None:
    refused = ccxt.InsufficientFunds("kraken says so")
    page = Answer(403, "<html>Forbidden</html>")

    error = placement_error(refused, "kraken", page, unknown_texts=(), refusal_texts=())

    assert isinstance(error, OutcomeUnknown)


def test_what_ccxt_declines_by_itself_was_never_sent() -> None:
    error = placement_error(
        ccxt.InvalidOrder("amount must be above the minimum"), "kraken", Answer(), unknown_texts=(), refusal_texts=()
    )

    assert (type(error), error.code) == (VenueRefused, "INVALID_ORDER")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ccxt.OnMaintenance(""), "MAINTENANCE"),
        (ccxt.InvalidNonce(""), "NONCE_OR_CLOCK"),
        (ccxt.DDoSProtection(""), "RATE_LIMITED"),
        (ccxt.RateLimitExceeded(""), "RATE_LIMITED"),
        (ccxt.RequestTimeout(""), "TIMEOUT"),
        (TimeoutError(), "TIMEOUT"),
        (ccxt.PermissionDenied(""), "PERMISSION_DENIED"),
        (ccxt.AccountSuspended(""), "AUTHENTICATION"),
        (ccxt.InsufficientFunds(""), "INSUFFICIENT_FUNDS"),
        (ccxt.OrderNotFound(""), "ORDER_NOT_FOUND"),
        (ccxt.MarketClosed(""), "MARKET_CLOSED"),
        (ccxt.BadResponse(""), "MALFORMED_ANSWER"),
        (ccxt.ExchangeNotAvailable(""), "UNREACHABLE"),
        (ccxt.ExchangeError(""), "VENUE_ERROR"),
        (KeyError("result"), "MALFORMED_ANSWER"),
    ],
)
def test_every_class_has_a_code(error: Exception, code: str) -> None:
    assert read_error(error, "kraken", "balance", Answer()).code == code


def test_an_error_is_put_in_words_without_addresses_and_keys() -> None:
    secret = "https://api.binance.com/api/v3/order?symbol=BTCUSDT&signature=abcdef"
    plain = ccxt.ExchangeError(f"binance POST {secret} 500")

    assert "signature" not in scrub(str(plain))
    assert "signature" not in describe(plain, Answer())
    assert describe(plain, Answer(500, secret)) == "HTTP 500 without a readable answer"
    assert "signature" not in describe(plain, Answer(400, f'{{"code": -1, "msg": "bad call {secret}"}}'))
