"""The ccxt client, hardened: silent empties raise, answers are kept for the error tables, calls are signed in order.

Measured on ccxt 4.5: a 200 with HTML or an empty body, a 200 `{}` and unmapped statuses come back as an EMPTY balance,
order list or ticker table without an error. The check at the end of `handle_errors` closes that.
"""

import logging
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol

import aiohttp
import ccxt.async_support as ccxt

from brokers.errors import Answer
from brokers.nonces import KeyTurn
from brokers.venue_clock import VenueClock
from models.settings import Credentials


class RequiredKeys(Protocol):
    """Says which key a venue's answer must have at `url`; None: any non-empty answer will do."""

    def __call__(self, url: str) -> str | None:
        """Return the key."""
        ...


# ccxt logs every request at debug level, key and signature included: that stays shut, whatever level the root has.
_quiet = logging.getLogger("brokers.ccxt")
_quiet.setLevel(logging.WARNING)

_NO_ANSWER = Answer()
_answer: ContextVar[Answer] = ContextVar("answer", default=_NO_ANSWER)


def last_answer() -> Answer:
    """Return what the venue last answered to this task."""
    return _answer.get()


def forget_answer() -> None:
    """Start a call without a remembered answer."""
    _answer.set(_NO_ANSWER)


class Hardened:
    """Mixed into a ccxt class, in front of it."""

    logger = _quiet
    required_keys: RequiredKeys
    venue_clock: VenueClock
    turn: KeyTurn | None = None  # set where the venue wants nonces to arrive in order
    throttled = True  # ccxt's own switch is off: it would wait for an allowance while others wait for the key

    def handle_errors(  # noqa: PLR0917 - ccxt calls it with these
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: dict[str, str],
        body: str,
        response: Any,
        request_headers: Any,
        request_body: Any,
    ) -> None:
        """Raise what ccxt raises, then what it lets pass."""
        _answer.set(Answer(code, body))
        super().handle_errors(  # type: ignore[misc]
            code, reason, url, method, headers, body, response, request_headers, request_body
        )
        if code >= 300:  # noqa: PLR2004 - HTTP: not a success; mapped statuses get their own class from ccxt
            self.handle_http_status_code(code, reason, url, method, body)  # type: ignore[attr-defined]
            raise ccxt.BadResponse(f"HTTP {code}")
        if not isinstance(response, dict | list):
            raise ccxt.BadResponse("the body is neither an object nor a list")
        required = self.required_keys(url)
        if isinstance(response, dict) and (required not in response if required else not response):
            raise ccxt.BadResponse(f"the answer has no {required or 'content'}")

    async def throttle(self, cost: float | None = None) -> None:
        """Wait for the venue's allowance; a call that costs nothing there does not wait behind those that do.

        Kraken counts no orders against the allowance of reads, and an order must not grow late in our own queue.
        """
        if cost != 0:
            await super().throttle(cost)  # type: ignore[misc]

    async def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """Wait for the allowance, sign and send; one at a time where the venue wants its nonces in order."""
        arguments = (path, api, method, params or {}, config or {})
        if self.throttled:
            await self.throttle(self.calculate_rate_limiter_cost(api, method, path, *arguments[3:]))  # type: ignore[attr-defined]
        private = (api[0] if isinstance(api, list) else api) == "private"
        if self.turn is None or not private:
            return await super().fetch2(*arguments)  # type: ignore[misc]
        async with self.turn.call():
            return await super().fetch2(*arguments)  # type: ignore[misc]

    def milliseconds(self) -> int:
        """Return the hour at the venue, which judges by it whether a request is late."""
        return int(self.venue_clock.now().timestamp() * 1000)

    def seconds(self) -> int:
        """Return the same in seconds."""
        return int(self.venue_clock.now().timestamp())

    def nonce(self) -> int:
        """Return the next nonce of the turn; where there are no turns, what ccxt takes for one."""
        return int(super().nonce()) if self.turn is None else self.turn.draw()  # type: ignore[misc]


@cache
def _hardened(venue: str, mixins: tuple[type, ...]) -> type[Any]:
    return type(f"Hardened_{venue}", (Hardened, *mixins, getattr(ccxt, venue)), {})


@cache
def _ssl_context() -> ssl.SSLContext:
    # ccxt would build one a client, 15 ms each.
    return ssl.create_default_context()


def build_client(
    venue: str,
    config: Mapping[str, Any],
    *,
    session: aiohttp.ClientSession,
    required_keys: RequiredKeys,
    timeout_seconds: float,
    venue_clock: VenueClock,
    credentials: Credentials | None = None,
    turn: KeyTurn | None = None,
    mixins: tuple[type, ...] = (),
) -> Any:
    """Return a ccxt client for `venue` on a shared session. Nothing is ever sent twice."""
    options: dict[str, Any] = {
        **config,
        "session": session,
        "timeout": int(timeout_seconds * 1000),
        "enableRateLimit": False,  # see `Hardened.fetch2`
        "timeout_on_exit": 0,
    }
    if credentials is not None:
        options["apiKey"] = credentials.api_key.get_secret_value()
        options["secret"] = credentials.api_secret.get_secret_value()
        if credentials.passphrase is not None:
            options["password"] = credentials.passphrase.get_secret_value()
    client = _hardened(venue, mixins)(options)
    client.ssl_context = _ssl_context()
    client.required_keys = required_keys
    client.venue_clock = venue_clock
    client.turn = turn
    client.options["maxRetriesOnFailure"] = 0  # ccxt would retry orders too
    return client
