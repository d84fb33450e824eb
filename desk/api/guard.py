"""Who may use a route. Every route under /api names it in its signature; an app with one that does not is not built."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from desk.desk import Desk, allowed, desk_of, who_of
from models.people import Permit, Role, Who


class Needs:
    """A dependency that lets in who has a role, and of tokens those with a permit; None: no token."""

    def __init__(self, role: Role, permit: Permit | None) -> None:
        self.role, self.permit = role, permit

    async def __call__(self, request: Request) -> Who:
        """Return who asks. Raises: NotLoggedIn, NotAllowed."""
        return allowed(who_of(request), self.role, self.permit)


Viewer = Annotated[Who, Depends(Needs(Role.VIEWER, Permit.READ))]
Operator = Annotated[Who, Depends(Needs(Role.OPERATOR, Permit.ACT))]
EntryAsker = Annotated[Who, Depends(Needs(Role.OPERATOR, Permit.ENTRY_CHECK))]
Admin = Annotated[Who, Depends(Needs(Role.ADMIN, None))]
TheDesk = Annotated[Desk, Depends(desk_of)]


def needs_of(route: APIRoute) -> Needs | None:
    """Return what a route needs; None: it names nothing."""
    return _find(route.dependant)


def api_routes(app: FastAPI) -> Iterator[APIRoute]:
    """Yield every route of an app, those of its routers included: FastAPI lists a router as one."""
    yield from _routes(app.routes)


def check_routes(app: FastAPI) -> None:
    """Raise RuntimeError where a route is open to everybody: somebody forgot to say who may use it."""
    for route in api_routes(app):
        if route.path.startswith("/api") and needs_of(route) is None:
            raise RuntimeError(f"{sorted(route.methods or ())} {route.path} does not say who may use it")


def _routes(routes: Iterable[object]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from _routes(router.routes)


def _find(dependant: Dependant) -> Needs | None:
    for one in dependant.dependencies:
        if isinstance(one.call, Needs):
            return one.call
        if (found := _find(one)) is not None:
            return found
    return None
