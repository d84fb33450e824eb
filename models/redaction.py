"""Take secrets out of text: those in use by their value, all others by what they look like.

What is in use is known to the whole process, because every handler of every logger must leave it out.
"""

import json
import re
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
_WORD = 6  # a shorter value is masked only where it stands alone: it is also a part of other words
_LINE = 16  # the lines of a private key that are secret by themselves
_DEPTH = 6  # of what is nested in a field; what lies deeper is masked as text

_NAME = (
    r"(?:api|access|secret|private|master|auth)[-_]?(?:key|secret|sign|signature|passphrase|token)(?:[-_]?id)?"
    r"|x-mbx-apikey|(?:ok|cb)-access-[a-z]+|x-bapi-[a-z-]+|apca-[a-z-]+|kc-api-[a-z-]+"
    r"|signature|passphrase|password|passwd|secret|authorization|(?<![a-z])sign"
)
_SCHEME = r"(?:(?:bearer|basic|token)\s+)?"
_NAMED = re.compile(rf"^(?:.*[-_ ])?(?:{_NAME})$", re.IGNORECASE)
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), masked)
    for pattern, masked in (
        (r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", MASK),
        (r"(://[^\s/:@'\"]*:)[^\s/@'\"]+(?=@)", rf"\1{MASK}"),  # the password in an address
        (rf"((?:{_NAME}|token)=){_SCHEME}[^\s\"',;&)}}\]]+", rf"\1{MASK}"),
        (rf"((?:{_NAME}|token)\\?[\"']\s*[:,]\s*b?\\?[\"']){_SCHEME}[^\"'\\]*", rf"\1{MASK}"),  # a header, in a dict
        (rf"((?:{_NAME}|token):\s*){_SCHEME}[^\s\"',;&)}}\]]{{8,}}", rf"\1{MASK}"),
        (r"\b((?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}", rf"\1{MASK}"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", MASK),  # a JSON web token
        (r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}=(?![A-Za-z0-9_=-])", MASK),  # a Fernet key
        (r"\bgAAAA[A-Za-z0-9_-]{60,}=*", MASK),  # what was encrypted with one
        (r"(hooks\.slack\.com/|/api/webhooks/|api\.telegram\.org/bot)[^\s\"'<>]+", rf"\1{MASK}"),
    )
)


@dataclass(slots=True)
class _InUse:
    """What is in use: values, the longest first, so that none is masked as a part of another; and short words."""

    values: tuple[str, ...] = ()
    words: tuple[re.Pattern[str], ...] = ()
    known: set[str] = field(default_factory=set)


_in_use = _InUse()


def keep_secret(value: str) -> None:
    """Mask a value from here on, in every spelling that a request or its report may give it."""
    if not value or value in _in_use.known:
        return
    _in_use.known.add(value)
    if len(value) < _WORD:
        _in_use.words = (*_in_use.words, re.compile(rf"(?<!\w){re.escape(value)}(?!\w)"))
        return
    spellings = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    spellings |= {line for line in value.splitlines() if len(line) >= _LINE and not line.startswith("-----")}
    values = list(_in_use.values)
    for spelling in spellings:
        insort(values, spelling, key=lambda known: -len(known))
    _in_use.values = tuple(values)  # as a whole: another thread may be reading


def scrub(text: str) -> str:
    """Return a text without the secrets in it."""
    for secret in _in_use.values:
        if secret in text:
            text = text.replace(secret, MASK)
    for word in _in_use.words:
        text = word.sub(MASK, text)
    for pattern, masked in _PATTERNS:
        text = pattern.sub(masked, text)
    return text


def scrub_field(name: str, value: Any) -> Any:
    """Return the value of a field without the secrets in it; all of it where the field's name says what it is."""
    if isinstance(value, str | bytes) and _NAMED.match(name):
        return MASK
    return _scrubbed(value, _DEPTH)


def _scrubbed(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return scrub(value)
    if depth and isinstance(value, Mapping):
        return {
            scrub(str(k)): MASK if isinstance(v, str | bytes) and _NAMED.match(str(k)) else _scrubbed(v, depth - 1)
            for k, v in value.items()
        }
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(item, depth - 1) for item in value]
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - a field that cannot be shown stops no line
        return f"<{type(value).__name__}: {type(error).__name__}>"
    clean = scrub(text)
    return value if clean == text else clean
