"""The one layer that retries: a read that failed in transport is made again, as often as the policy says."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import ccxt.async_support as ccxt
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from brokers.breaker import CircuitBreaker, calling
from brokers.client import forget_answer, last_answer
from brokers.errors import MALFORMED, read_error
from models.clock import Clock
from models.errors import NotAsked, SignAgain, VenueUnavailable
from models.policy import Policy

T = TypeVar("T")

LONGEST_DELAY_SECONDS = 30.0
JITTER = 0.3  # so many processes that failed together do not come back together

_random = random.SystemRandom()


async def read(
    venue: str,
    operation: str,
    call: Callable[[], Awaitable[T]],
    *,
    policy: Policy,
    clock: Clock,
    before_signing_again: Callable[[], Awaitable[None]] | None = None,
    breaker: CircuitBreaker | None = None,
    passes: bool = False,
) -> T:
    """Make one read, again while that may help; to the breaker it is one call, `passes` as there.

    Raises: VenueUnavailable, as NotAsked where a guard of ours kept it back; VenueRefused.
    """

    async def attempt() -> T:
        forget_answer()
        try:
            return await call()
        except (ccxt.BaseError, TimeoutError, *MALFORMED) as error:
            found = read_error(error, venue, operation, last_answer())
            if isinstance(found, SignAgain) and before_signing_again is not None:
                await before_signing_again()
            raise found from None  # ccxt's text holds the whole address, and Prefect logs what stands behind an error

    async def sleep(seconds: float) -> None:
        await clock.sleep(timedelta(seconds=seconds))

    def wait(state: RetryCallState) -> float:
        return delay(policy.balance_fetch_base_delay, state.attempt_number, _random.random())

    retrying = AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(policy.balance_fetch_max_attempts),
        wait=wait,
        retry=retry_if_exception(may_help),
        reraise=True,
    )
    async with calling(breaker, operation, policy, passes=passes):
        return await retrying(attempt)


def delay(base: float, failed: int, drawn: float) -> float:
    """Return the wait after so many failed attempts, in seconds: base, doubled each time, 30 at most, + 0-30 %.

    `drawn` in [0, 1) decides on the jitter.
    """
    return min(base * 2.0 ** (failed - 1), LONGEST_DELAY_SECONDS) * (1 + JITTER * drawn)


def may_help(error: BaseException) -> bool:
    """Whether to ask again: a transport fault, or a nonce or an hour that was wrong; never what a guard kept back."""
    return isinstance(error, VenueUnavailable | SignAgain) and not isinstance(error, NotAsked)
