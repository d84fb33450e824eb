"""Faults as answers: application/problem+json (RFC 9457) with our codes."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from models.errors import (
    AccessRefused,
    Changed,
    ConfigError,
    LeaseHeld,
    NijaError,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    PlanExpired,
    StoreError,
    TooLarge,
    TooManyTries,
    VaultLocked,
    VenueError,
)
from models.redaction import scrub

PROBLEM_JSON = "application/problem+json"
_TITLES = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 413: "Too large", 422: "Not valid"}
# By the error's class; the first that fits. A venue's fault is not the desk's: 424, and its words in the detail.
_STATUS: tuple[tuple[type[NijaError], int, str], ...] = (
    (NotLoggedIn, 401, "Not logged in"),
    (TooManyTries, 429, "Too many attempts"),
    (NotAllowed, 403, "Not allowed"),
    (AccessRefused, 403, "Not allowed"),
    (NotFound, 404, "Not found"),
    (TooLarge, 413, "Too large"),
    (ConfigError, 422, "Not valid"),
    (Changed, 409, "Changed meanwhile"),
    (PlanExpired, 409, "The plan is too old"),
    (LeaseHeld, 409, "Another run has the account"),
    (VaultLocked, 409, "The stored keys cannot be opened"),
    (VenueError, 424, "The venue did not give what was asked"),
    (StoreError, 503, "The store is not there"),
    (NijaError, 409, "Not possible"),
)


class Fault(BaseModel):
    """One value that is not valid. `where` leads to it."""

    where: str
    problem: str


class Problem(BaseModel):
    """What went wrong. `code` is kept; the sentences are for people."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    faults: list[Fault] = Field(default_factory=list)


def problem(error: NijaError) -> Response:
    """Answer with one of our errors."""
    status, title = next((status, title) for kind, status, title in _STATUS if isinstance(error, kind))
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotLoggedIn) else {}
    if isinstance(error, TooManyTries):
        headers["Retry-After"] = str(error.seconds)
    return _answer(Problem(title=title, status=status, code=error.code, detail=scrub(str(error))), headers)


def add_problems(app: FastAPI) -> None:
    """Answer the faults of an app in one way."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, NijaError)  # noqa: S101 - what it was added for
        return problem(error)

    async def not_valid(_: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        # What was sent is not sent back: it may be a key.
        faults = [Fault(where=".".join(map(str, one["loc"])), problem=str(one["msg"])) for one in found]
        detail = "; ".join(f"{one.where}: {one.problem}" for one in faults[:3])
        return _answer(Problem(title=_TITLES[422], status=422, code="NOT_VALID", detail=detail, faults=faults), {})

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - what it was added for
        status = error.status_code
        code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: TooLarge.code}.get(status, f"HTTP_{status}")
        title = _TITLES.get(status, "Refused")
        headers = dict(error.headers or {})
        return _answer(Problem(title=title, status=status, code=code, detail=str(error.detail)), headers)

    app.add_exception_handler(NijaError, ours)
    app.add_exception_handler(RequestValidationError, not_valid)
    app.add_exception_handler(HTTPException, http)


def _answer(found: Problem, headers: dict[str, str]) -> Response:
    return JSONResponse(found.model_dump(), found.status, headers, media_type=PROBLEM_JSON)
