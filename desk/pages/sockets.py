"""A socket belongs to one page, and to the session that the page was given to: when it opens, and in all it says."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client, core

from models.people import Who

Handler = Callable[[str, Any], Awaitable[None] | None]
_SAID_OF_A_PAGE = ("event", "javascript_response", "ack")


def is_of_its_page(query: str, who: Who) -> bool:
    """Whether a socket is for a page that was given to the same session. One that names no page is not.

    A page that is not known here, as after a restart, is nobody's: the framework has its browser load it anew.
    """
    page = _page_in(query)
    if not page:
        return False
    client = Client.instances.get(page)
    if client is None:
        return True
    owner: Who | None = getattr(client.request.state, "who", None)
    return owner is not None and owner.key == who.key


def hold_to_their_pages() -> None:
    """Have what a socket says heard for the page that it was opened for alone.

    The framework goes by the page that is named in each thing said. What a browser would have written into our log is
    dropped: a log is ours.
    """
    heard: dict[str, Handler] = core.sio.handlers["/"]
    for name in _SAID_OF_A_PAGE:
        heard[name] = held(heard[name], lambda sid: core.sio.get_environ(sid) or {})
    heard["log"] = _unheard


def held(handler: Handler, environ_of: Callable[[str], dict[str, Any]]) -> Handler:
    """Return a handler that leaves out what is said of another page than the socket's."""

    async def hear(sid: str, said: Any = None) -> None:
        page = _page_in(environ_of(sid).get("QUERY_STRING", ""))
        if page and isinstance(said, dict) and said.get("client_id") == page:
            done = handler(sid, said)
            if isawaitable(done):
                await done

    return hear


async def _unheard(_sid: str, _said: Any = None) -> None:
    """Leave it."""


def _page_in(query: str) -> str:
    return parse_qs(query).get("client_id", [""])[0]
