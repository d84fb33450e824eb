"""What a ccxt error means: for a read (retry or not), and for an order (refused, unknown, or safe to sign again).

ccxt's class alone does not decide it. The HTTP status and the venue's own code, both kept on the error by
`brokers.client`, are read with it; a venue's texts are matched only in the table of its adapter.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ccxt.async_support as ccxt
from aiohttp import ClientConnectorCertificateError, ClientConnectorDNSError, ClientConnectorError

from models.errors import OutcomeUnknown, SignAgain, VenueError, VenueRefused, VenueUnavailable

# ccxt parses what a venue sent in plain Python: an answer of an unexpected shape surfaces as one of these.
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError)


class PortfolioMissing(ccxt.BadRequest):  # type: ignore[misc]
    """The key belongs to a portfolio that the venue does not have any more."""


_CODES: tuple[tuple[type[BaseException], str], ...] = (
    (PortfolioMissing, "PORTFOLIO_MISSING"),
    (ccxt.OnMaintenance, "MAINTENANCE"),
    (ccxt.InvalidNonce, "NONCE_OR_CLOCK"),
    (ccxt.DDoSProtection, "RATE_LIMITED"),
    (ccxt.RateLimitExceeded, "RATE_LIMITED"),
    (ccxt.RequestTimeout, "TIMEOUT"),
    (ccxt.PermissionDenied, "PERMISSION_DENIED"),
    (ccxt.AuthenticationError, "AUTHENTICATION"),
    (ccxt.InsufficientFunds, "INSUFFICIENT_FUNDS"),
    (ccxt.BadSymbol, "BAD_SYMBOL"),
    (ccxt.OrderNotFound, "ORDER_NOT_FOUND"),
    (ccxt.InvalidOrder, "INVALID_ORDER"),
    (ccxt.MarketClosed, "MARKET_CLOSED"),
    (ccxt.BadResponse, "MALFORMED_ANSWER"),
    (ccxt.BadRequest, "BAD_REQUEST"),
    (ccxt.NetworkError, "UNREACHABLE"),
    (ccxt.BaseError, "VENUE_ERROR"),
)

# A read that failed with one of these may work a moment later; the others need a person.
_FINAL_FOR_READS = frozenset(
    {
        "PORTFOLIO_MISSING",
        "AUTHENTICATION",
        "PERMISSION_DENIED",
        "BAD_SYMBOL",
        "BAD_REQUEST",
        "INVALID_ORDER",
        "INSUFFICIENT_FUNDS",
    },
)

# A venue that answers so, or does not answer, is not well, whatever was asked.
_IN_TRANSPORT = frozenset({"UNREACHABLE", "TIMEOUT", "MAINTENANCE"})

# ccxt classes that mean a venue looked at the order and declined it.
_REFUSALS = (
    ccxt.InsufficientFunds,
    ccxt.InvalidOrder,
    ccxt.BadRequest,
    ccxt.BadSymbol,
    ccxt.AuthenticationError,
    ccxt.MarketClosed,
    ccxt.OnMaintenance,
    ccxt.RateLimitExceeded,
    ccxt.DDoSProtection,
    ccxt.NotSupported,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the venue answered when ccxt raised: the HTTP status and the raw body; None: no answer at all."""

    status: int | None = None
    body: str | None = None
    retry_after: str | None = None  # the header of that name, as it came

    @property
    def venue_code(self) -> str | None:
        """The venue's own error code or text, where the body carries one."""
        try:
            parsed = json.loads(self.body or "")
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            return self._plain_word()
        named = _named(parsed)
        if named:
            return named
        return _coded(parsed)

    def _plain_word(self) -> str | None:
        """Return the plain word that Coinbase answers to a token which is not valid: it did not look any further."""
        word = (self.body or "").strip()
        return word if (self.status, word) == (401, "Unauthorized") else None


def _named(parsed: Mapping[str, Any]) -> str:
    """Return the first error of a list (Kraken), or every reason given and the words with it (Coinbase); else nothing.

    Coinbase puts the reasons of a refused order into `error_response`.
    """
    error, refused = parsed.get("error"), parsed.get("error_response")
    if isinstance(error, list) and error:
        return str(error[0])
    if not isinstance(error, str) and not isinstance(refused, dict):
        return ""
    told = refused if isinstance(refused, dict) else parsed
    names = [told.get(name) for name in ("error", "new_order_failure_reason", "preview_failure_reason")]
    known = [name for name in names if isinstance(name, str) and name and not name.startswith("UNKNOWN_")]
    words = told.get("error_details") or told.get("message") or told.get("error_description")
    return " ".join([*dict.fromkeys(known or [str(names[0])]), *([words] if isinstance(words, str) else [])])


def _coded(parsed: Mapping[str, Any]) -> str | None:
    """Return the code and the words beside it, whatever the venue calls them; the words alone where there is no code.

    The code of an OKX answer to an order says only that something was refused: what and why is in the order's row.
    """
    rows = parsed.get("data")
    told = (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    row = next((row for row in told if str(row.get("sCode") or 0) != "0"), None)
    if row is not None:
        return f"{row['sCode']} {row.get('sMsg') or ''}".strip()
    if str(parsed.get("retCode") or 0) != "0":
        return f"{parsed['retCode']} {parsed.get('retMsg', '')}".strip()
    words = parsed.get("msg", parsed.get("message"))
    if parsed.get("code") is not None:
        return f"{parsed['code']} {words or ''}".strip()
    return words if isinstance(words, str) and words else None


def read_error(error: BaseException, venue: str, operation: str, answer: Answer) -> VenueError:
    """Say what a failed read means: VenueUnavailable or SignAgain (retry), or VenueRefused (a person is needed)."""
    code = error_code(error)
    detail = describe(error, answer)
    if code == "NONCE_OR_CLOCK":
        return SignAgain(code, venue, operation, detail)
    if code in _FINAL_FOR_READS and (answer.venue_code is not None or isinstance(error, ccxt.AuthenticationError)):
        return VenueRefused(code, venue, operation, detail)
    found = VenueUnavailable(code, venue, operation, detail)
    found.is_transport = in_transport(error, answer)
    return found


def placement_error(
    error: BaseException,
    venue: str,
    answer: Answer,
    *,
    unknown_texts: tuple[str, ...],
    refusal_texts: tuple[str, ...],
) -> VenueError:
    """Say what a failed placement means.

    `unknown_texts` are venue texts that prove nothing although ccxt's class suggests it; `refusal_texts` prove a
    refusal although ccxt has no class for them. Anything without proof is OutcomeUnknown: looked up, never resent.
    """
    found = _placement_error(error, venue, answer, unknown_texts, refusal_texts)
    refused_here = isinstance(found, VenueRefused) and not never_left(error)
    found.is_transport = not refused_here and in_transport(error, answer)
    return found


def is_rate_limit(error: BaseException, answer: Answer) -> bool:
    """Whether the venue refused a call for how many there were."""
    return isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection) or answer.status in {429, 418}


def in_transport(error: BaseException, answer: Answer) -> bool:
    """Whether the way to the venue failed, or the venue itself, whatever was asked.

    By class, status and the presence of words, never by what the words are. A rate limit is none: the venue is well,
    and the throttle sees to it. Nor is what the venue put in words of its own without calling it a fault of its server:
    an unknown pair must not close the way for all others.
    """
    code = error_code(error)
    if code == "MALFORMED_ANSWER":
        return answer.status is not None  # else nothing was sent: it could not be signed, say
    if code == "VENUE_ERROR":
        is_server = answer.status is not None and answer.status >= 500  # noqa: PLR2004 - HTTP: a fault of the server
        return is_server or (answer.venue_code is None and not _is_local(error, answer))
    return code in _IN_TRANSPORT


def _placement_error(
    error: BaseException, venue: str, answer: Answer, unknown_texts: tuple[str, ...], refusal_texts: tuple[str, ...]
) -> VenueError:
    code = error_code(error)
    detail = describe(error, answer)
    if never_left(error):
        return VenueRefused("UNREACHABLE", venue, "place", detail)
    venue_code = answer.venue_code
    if venue_code is None and not _is_local(error, answer):
        return OutcomeUnknown(code, venue, "place", detail)
    if any(text in (venue_code or "") for text in unknown_texts) or isinstance(error, ccxt.DuplicateOrderId):
        return OutcomeUnknown(code, venue, "place", detail)
    if isinstance(error, ccxt.InvalidNonce):
        return SignAgain(code, venue, "place", detail)
    if isinstance(error, _REFUSALS) or any(text in (venue_code or "") for text in refusal_texts):
        return VenueRefused(code, venue, "place", detail)
    return OutcomeUnknown(code, venue, "place", detail)


def error_code(error: BaseException) -> str:
    """Return our public code for an error."""
    if isinstance(error, asyncio.TimeoutError):
        return "TIMEOUT"
    return next((code for kind, code in _CODES if isinstance(error, kind)), "MALFORMED_ANSWER")


def describe(error: BaseException, answer: Answer) -> str:
    """Put the error in words without addresses, keys or signatures: ccxt's own texts carry whole URLs."""
    if answer.venue_code is not None:
        text = scrub(answer.venue_code)[:200]
    elif answer.status is not None and answer.status >= 300:  # noqa: PLR2004 - HTTP: not a success
        text = f"HTTP {answer.status} without a readable answer"
    elif answer.status is not None:
        text = "an answer that cannot be read"
    elif isinstance(error, ccxt.RequestTimeout | asyncio.TimeoutError):
        text = "no answer in time"
    elif never_left(error):
        text = "connection refused or address unknown"
    elif isinstance(error, ccxt.NetworkError):
        text = "the connection was lost"
    else:
        text = scrub(str(error))[:200]
    return text


def scrub(text: str) -> str:
    """Take addresses with their queries out of a text."""
    return re.sub(r"https?://\S+", "<address>", " ".join(text.split()))


def never_left(error: BaseException) -> bool:
    """Whether the connection was never made, so that nothing can have been sent: refused, no address, no trust."""
    cause = error.__cause__
    if isinstance(cause, ClientConnectorDNSError | ClientConnectorCertificateError):
        return True
    return isinstance(cause, ClientConnectorError) and isinstance(cause.os_error, ConnectionRefusedError)


def _is_local(error: BaseException, answer: Answer) -> bool:
    """Whether ccxt itself declined before sending anything: no request was answered and none failed in transport."""
    return answer.status is None and isinstance(error, ccxt.ExchangeError) and error.__cause__ is None
