"""What stands in the place of a page that is not there, or could not be built: plain, in our looks."""

import logging
from html import escape

from fastapi import Request
from nicegui import app
from starlette.responses import HTMLResponse, Response

from desk.pages.shell import css
from desk.problems import problem
from models.errors import NijaError, NotFound

log = logging.getLogger(__name__)

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Nija</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{css}</style></head>
<body class="body--light fault"><main class="empty"><h1>{title}</h1><p>{words}</p>
<p><a href="/">To the fleet</a></p></main>
</body></html>"""


@app.exception_handler(404)
async def missing(request: Request, _error: Exception) -> Response:
    """Say that there is no such page; to a program that there is no such route."""
    path = request.url.path
    if path.startswith("/api/"):
        return problem(NotFound("route", path))
    return _page(404, "There is no such page", f"{path} leads nowhere.")


@app.exception_handler(NijaError)
async def refused(_request: Request, error: Exception) -> Response:
    """Say why a page cannot be shown."""
    assert isinstance(error, NijaError)  # noqa: S101 - what it was added for
    return _page(problem(error).status_code, "This page cannot be shown", f"{error} ({error.code})")


@app.exception_handler(Exception)
async def failed(request: Request, error: Exception) -> Response:
    """Say that the fault is ours; what it is stands in the log alone."""
    log.error("a page failed", exc_info=error, extra={"path": request.url.path})
    return _page(500, "This page failed", "The fault is ours, and stands in the log of the desk.")


def _page(status: int, title: str, words: str) -> Response:
    return HTMLResponse(_PAGE.format(title=escape(title), words=escape(words), css=css()), status)
