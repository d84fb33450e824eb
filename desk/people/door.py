"""The door that every request comes through: which host it asks for, from which page, and who it is.

Pages and their sockets are for who is logged in; routes under /api judge by role (see `desk.api.guard`).
"""

import logging
import secrets
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from desk.desk import Desk
from desk.people.bodies import bounded
from desk.people.headers import cookie_name, csrf_sent, guarded
from desk.people.secrets import csrf_of, hashed
from desk.problems import problem
from models.errors import NijaError, NotAllowed, NotLoggedIn
from models.people import Who
from models.store.sessions import who_has
from models.store.tokens import who_sends

log = logging.getLogger(__name__)

OPEN_PAGES = frozenset({"/login", "/welcome", "/favicon.ico", "/health"})
_ASSETS = "/_nicegui/"  # the framework's own files: nothing of anybody's is in them
_SOCKET = "/_nicegui_ws/"
_API = "/api/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MISDIRECTED = 421


OwnsSocket = Callable[[str, Who], bool]  # by the query of a socket's address


def _nobody(_query: str, _who: Who) -> bool:
    return False


class Door:
    """Wraps the app. `owns_socket`: whether a socket is for a page of whoever opens it.

    What it finds out stands in the request's state: `desk`, and `who`, None where nobody is known.
    """

    def __init__(self, app: ASGIApp, desk: Desk, owns_socket: OwnsSocket = _nobody) -> None:
        self._app, self._desk, self._owns_socket = app, desk, owns_socket
        self._names = _names(desk)
        self._cookie = cookie_name(desk.served)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        nonce = secrets.token_urlsafe(16)
        state = scope.setdefault("state", {})
        state.update(desk=self._desk, who=None, nonce=nonce)
        if scope["type"] == "http":
            send = guarded(send, nonce, self._desk.served, path=scope["path"])
        try:
            receive = bounded(receive, connection.headers)
            answer = await self._judge(connection, state)
        except NijaError as error:
            answer = problem(error)
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
        else:
            await answer(scope, receive, send)

    async def _judge(self, connection: HTTPConnection, state: dict[str, object]) -> Response | None:
        """Return what ends the request here; None lets it in. Raises: NijaError, which ends it as well."""
        scope, headers, path = connection.scope, connection.headers, connection.scope["path"]
        if not self._is_ours(headers.get("host", "")):
            return Response("this desk is not known by that name", _MISDIRECTED, media_type="text/plain")
        if path.startswith(_ASSETS):
            return None
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        bearer = _bearer(headers) if path.startswith(_API) else None
        if changes and bearer is None and not self._same_origin(headers):
            raise NotAllowed("a page of another address", "a page of this desk")
        state["who"] = who = await self._who(connection, bearer)
        if path.startswith(_API):
            if changes and bearer is None and who is not None and not self._has_csrf(connection):
                raise NotAllowed(who.name, "the header X-CSRF-Token, which GET /api/me tells")
            if who is None:
                raise NotLoggedIn  # before anything of what was sent is read
            return None
        if who is not None and path.startswith(_SOCKET) and not self._owns_socket(_query_of(connection), who):
            raise NotAllowed(who.name, "the session that the page was given to")
        return None if path in OPEN_PAGES or who is not None else _turned_away(connection, changes=changes)

    async def _who(self, connection: HTTPConnection, bearer: str | None) -> Who | None:
        now, address = self._desk.clock.now(), address_of(connection)
        if bearer is not None:
            return await who_sends(self._desk.store, hashed(bearer), address=address, now=now)
        session = connection.cookies.get(self._cookie)
        return None if not session else await who_has(self._desk.store, hashed(session), now=now)

    def _has_csrf(self, connection: HTTPConnection) -> bool:
        session = connection.cookies.get(self._cookie, "")
        return secrets.compare_digest(csrf_sent(connection).encode(), csrf_of(session).encode())

    def _is_ours(self, host: str) -> bool:
        """Whether a request asks for this desk. Only a name can be made to point here by somebody else."""
        name = _host_name(host)
        if name in self._names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _same_origin(self, headers: Headers) -> bool:
        """Whether a browser says that a page of this desk asks. One that says nothing is none, and sends no cookie."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in {"same-origin", "none"} and "upgrade" not in headers
        asked = _netloc(origin)
        outside = self._desk.served.url
        return bool(asked) and asked in {headers.get("host", "").lower(), _netloc(str(outside)) if outside else ""}


def _turned_away(connection: HTTPConnection, *, changes: bool) -> Response:
    """Lead who opens a page without a session to where one is had. Raises: NotLoggedIn for anything else."""
    path, query = connection.scope["path"], _query_of(connection)
    if changes or path.startswith(_SOCKET):
        raise NotLoggedIn
    return RedirectResponse(f"/login?next={quote(path + (f'?{query}' if query else ''))}", status_code=303)


def _query_of(connection: HTTPConnection) -> str:
    query: bytes = connection.scope["query_string"]
    return query.decode("latin-1")


def address_of(connection: HTTPConnection) -> str:
    """Return where a request comes from, as far as the proxies in front are believed."""
    return connection.client.host if connection.client else ""


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _names(desk: Desk) -> frozenset[str]:
    outside = desk.served.url
    named = {"localhost", desk.served.host.lower()} | ({(outside.host or "").lower()} if outside else set())
    return frozenset(named - {""})


def _host_name(host: str) -> str:
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:  # a bracket that is never closed
        return ""
