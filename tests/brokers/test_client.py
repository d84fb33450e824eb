"""The hardened client: nothing is sent twice, nonces arrive in order, and no key is ever shown."""

import asyncio
import logging
from datetime import UTC, datetime
from itertools import pairwise

import aiohttp
import pytest
from pydantic import SecretStr

from brokers.client import build_client
from brokers.hub import SharedVenue
from brokers.simulator.handle import RunningVenue
from brokers.venue_clock import VenueClock
from models.clock import SystemClock
from models.errors import VenueError
from models.settings import Credentials
from tests.brokers.at_venue import reach
from tests.brokers.test_errors import sale

pytestmark = pytest.mark.wire

CALLS = 50


async def test_many_calls_at_once_on_one_kraken_key_go_one_after_the_other(kraken: RunningVenue) -> None:
    asked = len(kraken.call_log())
    async with reach(kraken) as at:
        kraken.set_faults({"operation": "balance", "fault": "delay", "seconds": 0.01, "times": None})

        answers = await asyncio.gather(*(at.account.holdings() for _ in range(CALLS)))

    calls = [call for call in kraken.call_log()[asked:] if call.account == "platform"]
    assert len(answers) == len(calls) == CALLS
    assert {call.outcome for call in calls} == {"ok"}  # no "Invalid nonce" among them
    arrived = [call.time_ms for call in calls]
    assert all(later - earlier >= 9 for earlier, later in pairwise(arrived))  # each after the answer to the one before


async def test_placements_at_once_are_each_sent_once(kraken: RunningVenue) -> None:
    placed, filled = kraken.calls("place"), len(kraken.fills("platform"))
    async with reach(kraken) as at:
        intents = [sale(kraken) for _ in range(20)]

        await asyncio.gather(*(at.account.place(intent, datetime.now(UTC)) for intent in intents))

    assert kraken.calls("place") == placed + 20
    assert len(kraken.fills("platform")) == filled + 20


async def test_retries_of_ccxt_itself_are_off(venue: RunningVenue) -> None:
    async with reach(venue) as at:
        assert at.account._client.options["maxRetriesOnFailure"] == 0


@pytest.mark.parametrize("fault", ["html", "status", "auth_revoked", "hang", "refuse_before"])
async def test_neither_errors_nor_logs_show_a_key_an_address_or_a_signature(
    venue: RunningVenue, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with reach(venue) as at:
        venue.set_faults({"operation": "any", "account": "platform", "fault": fault, "times": None})
        said = []
        for call in (at.account.holdings(), at.account.place(sale(venue), datetime.now(UTC))):
            with pytest.raises(VenueError) as caught:
                await call
            said.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")

    key, secret, _ = venue.credentials("platform")
    text = " ".join(said) + caplog.text
    assert not any(word in text for word in (key, secret, venue.url, "signature="))


async def test_a_client_prints_without_its_keys(kraken: RunningVenue) -> None:
    key, secret, _ = kraken.credentials("platform")
    async with reach(kraken) as at:
        assert not any(word in f"{at.account!r} {at.account}" for word in (key, secret))


async def test_a_passphrase_reaches_the_venue_s_client() -> None:
    async with aiohttp.ClientSession() as session:
        client = build_client(
            "okx",
            {},
            session=session,
            required_keys=lambda _url: None,
            timeout_seconds=1,
            venue_clock=VenueClock("okx", SystemClock()),
            credentials=Credentials(SecretStr("k"), SecretStr("s"), SecretStr("p")),
        )

        assert (client.apiKey, client.secret, client.password) == ("k", "s", "p")
        assert client.session is session
        await client.close()


async def test_closing_one_account_leaves_the_session_to_the_others(kraken: RunningVenue) -> None:
    async with reach(kraken) as at:
        shared: SharedVenue = at.shared
        await at.account.close()

        assert not shared._session.closed
