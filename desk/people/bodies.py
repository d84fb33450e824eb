"""How much a request may bring: what is sent is read into memory, whoever sends it."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from models.errors import TooLarge

MOST = 1_048_576  # bytes; the longest of what anybody sends, an RSA key in a form, is a tenth of it


def bounded(receive: Receive, headers: Headers) -> Receive:
    """Return a `receive` that ends the request where it brings more. Raises: TooLarge where it says so beforehand."""
    said = headers.get("content-length", "0")
    if not said.isdecimal() or int(said[:20]) > MOST:
        raise TooLarge(MOST)
    taken = 0

    async def receive_bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > MOST:
                raise HTTPException(413, str(TooLarge(MOST)))  # the one kind that passes through who reads a body
        return message

    return receive_bounded
