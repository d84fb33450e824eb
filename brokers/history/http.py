"""Ask a JSON API that is no venue: through the throttle, behind everything else, with the retries of any read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from brokers.breaker import CircuitBreaker
from brokers.errors import Answer, scrub
from brokers.limits import Request
from brokers.reads import read
from brokers.throttle import REQUEUES, Gate, priority
from models.clock import Clock
from models.errors import VenueError, VenueRefused, VenueUnavailable
from models.policy import Policy
from rules.throttle import Priority

T = TypeVar("T")

_OK, _NOT_OK, _TOO_MANY, _SERVER = 200, 300, 429, 500

# Says what a refusal means, by its status and its body as JSON (None: it is none); None: nothing special.
Reading = Callable[[int, Any], VenueError | None]


@dataclass(frozen=True, slots=True)
class JsonApi:
    """One address. `headers` may hold a key: they are in no log and no error, nor are addresses."""

    name: str
    base: str
    session: aiohttp.ClientSession
    clock: Clock
    timeout_seconds: float
    policy: Policy
    gate: Gate | None = None
    breaker: CircuitBreaker | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reading: Reading = lambda _status, _body: None

    async def get(self, operation: str, path: str, params: Mapping[str, str], parse: Callable[[Any], T]) -> T:
        """Return what is read in the answer at a path, asking again where that may help.

        `parse` raises ValueError for what is no answer. Raises: VenueUnavailable, VenueRefused.
        """

        async def once() -> T:
            body = await self._pass(operation, path, params)
            try:
                return parse(body)
            except ValueError as error:
                raise self._unavailable("MALFORMED_ANSWER", operation, str(error)) from None

        with priority(Priority.HISTORY):
            return await read(
                self.name,
                operation,
                once,
                policy=self.policy,
                clock=self.clock,
                breaker=self.breaker,
            )

    async def _pass(self, operation: str, path: str, params: Mapping[str, str]) -> Any:
        """Ask once; what is refused for its rate waits again, a few times."""
        request = Request(path, "GET", params, 1.0, is_private=False)
        for _ in range(REQUEUES + 1):
            if self.gate is None:
                answer = await self._ask(operation, path, params)
            else:
                async with self.gate.passing(request, None):
                    answer = await self._ask(operation, path, params)
                if answer.status == _TOO_MANY:
                    await self.gate.refused(request, answer, self.clock.now())
            if answer.status != _TOO_MANY:
                return self._read(operation, answer)
        raise VenueUnavailable("RATE_LIMITED", self.name, operation, "HTTP 429: too many calls")

    async def _ask(self, operation: str, path: str, params: Mapping[str, str]) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self.timeout_seconds)
        try:
            async with self.session.get(
                f"{self.base.rstrip('/')}{path}",
                params=params,
                headers=self.headers,
                timeout=timeout,
                allow_redirects=False,  # the key goes to this address, and to no other
            ) as response:
                body = await response.text(errors="replace")
                return Answer(response.status, body, response.headers.get("Retry-After"))
        except TimeoutError:
            raise self._unavailable("TIMEOUT", operation, "no answer in time") from None
        except aiohttp.ClientError:
            raise self._unavailable("UNREACHABLE", operation, "the connection was refused or lost") from None

    def _read(self, operation: str, answer: Answer) -> Any:
        status = answer.status or 0
        try:
            body = json.loads(answer.body or "")
        except ValueError:
            body = None
        refusal = self.reading(status, body)
        if refusal is not None:
            raise refusal
        if status >= _SERVER:
            raise self._unavailable("VENUE_ERROR", operation, f"HTTP {status}")
        if status >= _NOT_OK and isinstance(body, dict):
            raise VenueRefused("BAD_REQUEST", self.name, operation, words_of(body) or f"HTTP {status}")
        if status != _OK or not isinstance(body, dict | list):
            raise self._unavailable("MALFORMED_ANSWER", operation, f"HTTP {status}, and an answer that cannot be read")
        return body

    def _unavailable(self, code: str, operation: str, detail: str) -> VenueUnavailable:
        found = VenueUnavailable(code, self.name, operation, detail)
        found.is_transport = True
        return found


def words_of(body: Any) -> str:
    """Return what an error says, without addresses; empty: nothing that can be read."""
    told = body.get("error", body.get("message")) if isinstance(body, dict) else None
    return scrub(told)[:200] if isinstance(told, str) else ""
