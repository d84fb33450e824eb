"""The ccxt client, hardened: silent empties raise, answers are kept for the error tables, calls are signed in order.

Measured on ccxt 4.5: a 200 with HTML or an empty body, a 200 `{}` and unmapped statuses come back as an EMPTY balance,
order list or ticker table without an error. The check at the end of `handle_errors` closes that.
"""

import logging
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import aiohttp
import ccxt.async_support as ccxt

from brokers.errors import MALFORMED, Answer, is_rate_limit
from brokers.limits import Request
from brokers.nonces import KeyTurn
from brokers.order_window import current_window
from brokers.throttle import REQUEUES, Gate
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


@dataclass(slots=True)
class _Heard:
    """What the venue answered to a call; ccxt makes some of its requests in tasks of its own, which share it."""

    answer: Answer = field(default_factory=Answer)


_heard: ContextVar[_Heard | None] = ContextVar("heard", default=None)
_own_answer: ContextVar[Answer] = ContextVar("own_answer")  # to the one request that this task makes


def last_answer() -> Answer:
    """Return what the venue last answered to this call."""
    heard = _heard.get()
    return Answer() if heard is None else heard.answer


def forget_answer() -> None:
    """Start a call without a remembered answer."""
    _heard.set(_Heard())


class Hardened:
    """Mixed into a ccxt class, in front of it."""

    logger = _quiet
    required_keys: RequiredKeys
    venue_clock: VenueClock
    turn: KeyTurn | None = None  # set where the venue wants nonces to arrive in order
    gate: Gate | None = None  # where calls wait for the venue's allowance; None: they do not

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
        told = next((value for name, value in (headers or {}).items() if name.lower() == "retry-after"), None)
        answer = Answer(code, body, told)
        _own_answer.set(answer)
        heard = _heard.get()
        if heard is not None:
            heard.answer = answer
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

    async def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """Wait for the allowance, sign and send; one at a time where the venue wants its nonces in order.

        A read that the venue refuses for its rate waits again, a few times. An order is sent once, whatever happens.
        """
        arguments = (path, api, method, params or {}, config or {})
        is_private = "public" not in (api if isinstance(api, list) else [api])
        if self.gate is None:
            return await self._send(arguments, is_private=is_private)
        cost = self.calculate_rate_limiter_cost(api, method, path, *arguments[3:])  # type: ignore[attr-defined]
        request = Request(path, method, arguments[3], float(cost), is_private)
        window = current_window()
        requeues = 0
        while True:
            left = None if window is None else (window.closes_at - self.venue_clock.now()).total_seconds()
            try:
                async with self.gate.passing(request, left):
                    _own_answer.set(Answer())
                    return await self._send(arguments, is_private=is_private)
            except ccxt.BaseError as error:
                if not is_rate_limit(error, _own_answer.get()):
                    raise
                await self.gate.refused(request, _own_answer.get(), self.venue_clock.now())
                if window is not None or requeues == REQUEUES:
                    raise
            requeues += 1
            if (heard := _heard.get()) is not None:
                heard.answer = Answer()

    def parse_ohlcvs(  # noqa: PLR0917 - ccxt calls it with these
        self,
        ohlcvs: Any,
        market: Any = None,
        timeframe: str = "1m",  # noqa: ARG002 - ccxt's signature
        since: int | None = None,  # noqa: ARG002
        limit: int | None = None,  # noqa: ARG002
        tail: bool = False,  # noqa: ARG002
    ) -> list[tuple[Any, list[Any] | None]]:
        """Return every row as it came, beside what ccxt reads in it; None: it is no candle.

        ccxt would sort the rows and drop those from before `since`: what a venue gets wrong would not be seen.
        """
        if not isinstance(ohlcvs, list):
            raise TypeError("the candles are no list")
        return [(raw, self._candle(raw, market)) for raw in ohlcvs]

    def _candle(self, raw: Any, market: Any) -> list[Any] | None:
        if not isinstance(raw, list | dict):
            return None
        try:
            return list(self.parse_ohlcv(raw, market))  # type: ignore[attr-defined]
        except MALFORMED:
            return None

    async def _send(self, arguments: tuple[Any, ...], *, is_private: bool) -> Any:
        if self.turn is None or not is_private:
            self.venue_clock.sending()
            return await super().fetch2(*arguments)  # type: ignore[misc]
        async with self.turn.call():
            self.venue_clock.sending()
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
    gate: Gate | None = None,
    mixins: tuple[type, ...] = (),
) -> Any:
    """Return a ccxt client for `venue` on a shared session. Nothing is ever sent twice."""
    options: dict[str, Any] = {
        **config,
        "session": session,
        "timeout": int(timeout_seconds * 1000),
        "enableRateLimit": False,  # its limiter knows no other client; see `Hardened.fetch2`
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
    client.gate = gate
    client.options["maxRetriesOnFailure"] = 0  # ccxt would retry orders too
    return client
