"""Ask an HTTP server on this machine something small, from the standard library: the supervisor imports no client."""

import asyncio
import base64
import json
import urllib.request
from typing import Any

_SECONDS = 3.0


async def answers(url: str) -> bool:
    """Whether a GET is answered well."""
    return await asyncio.to_thread(_answers, url)


async def posted(url: str, body: dict[str, Any], auth: str | None = None) -> Any:
    """Return the JSON answer to a JSON body. `auth`: user and password with a colon between, as Prefect takes them.

    Raises: OSError (of which urllib's errors are), ValueError.
    """
    return await asyncio.to_thread(_posted, url, body, auth)


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - an address that we made
        return bool(answer.status == 200)  # noqa: PLR2004 - HTTP: OK


def _posted(url: str, body: dict[str, Any], auth: str | None) -> Any:
    headers = {"Content-Type": "application/json"}
    if auth:
        headers["Authorization"] = f"Basic {base64.b64encode(auth.encode()).decode()}"
    asked = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)  # noqa: S310 - likewise
    with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310 - likewise
        return json.loads(answer.read())
