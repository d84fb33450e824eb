"""What goes with every answer: what a browser may do with it. And the cookie of a session."""

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Message, Send

from models.settings import DeskSettings
from models.store.sessions import LASTS

CSRF_HEADER = "x-csrf-token"
_SCRIPT = b"<script"


def is_https(served: DeskSettings) -> bool:
    """Whether people reach the desk by https."""
    return served.url is not None and served.url.scheme == "https"


def cookie_name(served: DeskSettings) -> str:
    """Return the name of the session's cookie; with https one that no other host and no plain http can set."""
    return "__Host-nija_desk" if is_https(served) else f"nija_desk_{served.port}"


def set_cookie(answer: Response, served: DeskSettings, session: str) -> None:
    """Give a browser its session."""
    answer.set_cookie(
        cookie_name(served),
        session,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="lax",  # an address in a message may lead here; what changes anything asks for more than the cookie
        secure=is_https(served),
        path="/",
    )


def csrf_sent(connection: HTTPConnection) -> str:
    """Return what a request sends to show that a page of ours made it."""
    return connection.headers.get(CSRF_HEADER, "")


def guarded(send: Send, nonce: str, served: DeskSettings, *, path: str) -> Send:
    """Return a `send` that adds the headers, and gives the scripts of a page the nonce by which they may run."""
    rules = _headers(nonce, served)
    is_kept = path.startswith("/_nicegui/")  # files with their version in the address
    page: list[Message] = []

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in rules.items():
                headers[name] = value
            if not is_kept:
                headers["Cache-Control"] = "no-store"
            if headers.get("content-type", "").startswith("text/html"):
                page.append(message)
                return
        elif page:
            page.append(message)
            if not message.get("more_body"):
                await _send_page(send, page, nonce)
                page.clear()
            return
        await send(message)

    return send_guarded


async def _send_page(send: Send, page: list[Message], nonce: str) -> None:
    """Send a page whole. Its scripts are the framework's and ours: what is somebody's data comes by the socket."""
    start, *rest = page
    body = b"".join(message.get("body", b"") for message in rest)
    body = body.replace(_SCRIPT, _SCRIPT + f' nonce="{nonce}"'.encode())
    MutableHeaders(scope=start)["Content-Length"] = str(len(body))
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _headers(nonce: str, served: DeskSettings) -> dict[str, str]:
    policy = {
        "default-src": "'self'",
        # Vue compiles its templates in the browser, which is eval to it; no script of another address, none in markup.
        "script-src": f"'self' 'nonce-{nonce}' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    }
    if is_https(served):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers
