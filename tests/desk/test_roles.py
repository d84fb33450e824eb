"""Every route with every role, with every permit, and with nobody; made from the app's own routes."""

import inspect
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

import desk.actions as actions_room
from desk.actions import stops
from desk.api.guard import Needs, api_routes, check_routes, needs_of
from desk.app import build_app
from desk.people.headers import cookie_name
from desk.people.secrets import csrf_of, hashed
from models.errors import NotAllowed, NotLoggedIn
from models.people import Permit, Role
from models.store.sessions import start_session
from models.store.tokens import add_token, revoke_token, tokens
from tests.desk.office import AT, MAKER, Office

_FILLED = {"int": "999999", "uuid": "00000000-0000-4000-8000-000000000000"}
# What everybody who is logged in may do about themselves.
_ONES_OWN = {"change_password", "leave"}


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """Return one kind of store: what is asked here does not differ between them."""
    return sqlite_url


@pytest.fixture
async def visitors(office: Office) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Return everybody who may come to the door, by name: roles, tokens, and those whose time is over."""
    store, now = office.desk.store, office.desk.clock.now()
    cookie = cookie_name(office.desk.served)
    await start_session(store, hashed("over"), "admin", address="", now=now - timedelta(days=2))
    token: dict[str, object] = {"person": "admin", "expires_at": None, "by": MAKER, "now": now}
    for permit in Permit:
        await add_token(store, hashed(f"t-{permit}"), name=permit, **token | {"permits": {permit}})  # type: ignore[arg-type]
    every = token | {"permits": set(Permit)}
    await add_token(store, hashed("t-old"), name="old", **every | {"expires_at": now - timedelta(days=1)})  # type: ignore[arg-type]
    await add_token(store, hashed("t-gone"), name="gone", **every)  # type: ignore[arg-type]
    (gone,) = [one for one in await tokens(store) if one.name == "gone"]
    await revoke_token(store, gone.token_id, by=MAKER, now=now)
    transport = httpx.ASGITransport(app=build_app(office.desk, pages=False))
    async with AsyncExitStack() as stack:

        async def client(**how: object) -> httpx.AsyncClient:
            made = httpx.AsyncClient(transport=transport, base_url=AT, **how)  # type: ignore[arg-type]
            return await stack.enter_async_context(made)

        named = {"nobody" if role is None else role.value: one for role, one in office.clients.items()}
        named["session over"] = await client(
            cookies={cookie: "over"}, headers={"Origin": AT, "X-CSRF-Token": csrf_of("over")}
        )
        for name in (*(f"t-{permit}" for permit in Permit), "t-old", "t-gone", "t-unknown"):
            named[name] = await client(headers={"Authorization": f"Bearer {name}"})
        yield named


def may(needs: Needs, visitor: str) -> bool:
    """Say whether a visitor may, from what the route asks for: a second opinion, written otherwise."""
    rank = ["viewer", "operator", "admin"]
    if visitor in rank:
        return rank.index(visitor) >= rank.index(needs.role.value)
    return needs.permit is not None and visitor == f"t-{needs.permit.value}"


def filled(route: APIRoute) -> str:
    """Write a route's address with something in it that is not there."""
    kinds = {
        one.name: getattr(one.field_info.annotation, "__name__", "str").lower() for one in route.dependant.path_params
    }
    return re.sub(r"{(\w+)}", lambda found: _FILLED.get(kinds.get(found[1], "str"), "nobody"), route.path)


async def test_every_route_lets_in_whom_it_names_and_nobody_else(
    office: Office, visitors: dict[str, httpx.AsyncClient]
) -> None:
    wrong: list[str] = []
    routes = [route for route in api_routes(build_app(office.desk, pages=False)) if route.path.startswith("/api")]
    for route in routes:
        needs = needs_of(route)
        assert needs is not None
        for method in route.methods:
            for name, client in visitors.items():
                answer = await client.request(method, filled(route))
                is_in = answer.status_code not in {401, 403}
                if is_in is not may(needs, name) or answer.status_code >= 500:
                    wrong.append(f"{name}: {method} {route.path} {answer.status_code}")
                if not is_in:
                    assert answer.headers["content-type"] == "application/problem+json"

    assert wrong == []
    assert len(routes) > 30


async def test_a_route_that_names_nobody_is_not_served() -> None:
    app = FastAPI()

    @app.get("/api/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="/api/forgotten does not say who may use it"):
        check_routes(app)


def action_modules() -> Iterator[ModuleType]:
    folder = Path(str(actions_room.__file__)).parent
    for file in sorted(folder.glob("[a-z]*.py")):
        yield __import__(f"desk.actions.{file.stem}", fromlist=["*"])


async def test_every_action_asks_for_itself_who_it_is(office: Office) -> None:
    found = [
        (name, act)
        for module in action_modules()
        for name, act in inspect.getmembers(module, inspect.iscoroutinefunction)
        if act.__module__ == module.__name__ and not name.startswith("_") and name not in _ONES_OWN
    ]
    viewer = await office.who(Role.VIEWER)

    for name, act in found:
        wanted = {p.name: None for p in inspect.signature(act).parameters.values() if p.name not in {"desk", "who"}}
        try:
            await act(office.desk, viewer, **wanted)
        except NotAllowed:
            continue
        pytest.fail(f"{name} let a viewer in")

    assert len(found) > 15
    assert await office.deeds() == []


async def test_a_page_that_is_open_acts_with_the_role_of_now(office: Office) -> None:
    admin, operator = office.clients[Role.ADMIN], await office.who(Role.OPERATOR)
    await admin.post("/api/people/operator/role", json={"role": "viewer"})

    with pytest.raises(NotLoggedIn):
        await stops.freeze(office.desk, operator, "alice", "ETH/USD", "late")
