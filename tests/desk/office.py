"""A desk without pages, asked in this process: people of every role, each with what they ask with."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx

from desk.app import build_app
from desk.desk import Desk
from desk.people.headers import CSRF_HEADER, cookie_name
from desk.people.secrets import csrf_of, hashed
from models.people import Role, Via, Who
from models.store.desk_audit import AuditEntry, audit_entries
from models.store.people import add_person
from models.store.sessions import start_session

AT = "http://127.0.0.1"
MAKER = Who("terminal", Role.ADMIN, Via.TERMINAL)


@dataclass(frozen=True)
class Office:
    """A desk, and a client for each role, logged in as a browser is."""

    desk: Desk
    clients: Mapping[Role | None, httpx.AsyncClient]

    @property
    def viewer(self) -> httpx.AsyncClient:
        return self.clients[Role.VIEWER]

    @property
    def operator(self) -> httpx.AsyncClient:
        return self.clients[Role.OPERATOR]

    async def deeds(self) -> list[AuditEntry]:
        """What was done, oldest first, without how the people came to be."""
        entries = await audit_entries(self.desk.store)
        return [entry for entry in reversed(entries) if not entry.action.startswith("person.")]

    async def who(self, role: Role) -> Who:
        """Somebody of a role, as a page has them."""
        return Who(role.value, role, Via.SESSION, key=hashed(_session(role)))


async def open_office(desk: Desk, stack: AsyncExitStack) -> Office:
    """Let people in at a desk, one of every role, and one who is nobody."""
    transport = httpx.ASGITransport(app=build_app(desk, pages=False))
    clients: dict[Role | None, httpx.AsyncClient] = {}
    now = desk.clock.now()
    for role in Role:
        await add_person(desk.store, role.value, role, by=MAKER, now=now)
        await start_session(desk.store, hashed(_session(role)), role.value, address="", now=now)
    for one in (None, *Role):
        headers: dict[str, Any] = {}
        cookies: dict[str, str] = {}
        if one is not None:
            headers = {CSRF_HEADER: csrf_of(_session(one)), "Origin": AT}
            cookies = {cookie_name(desk.served): _session(one)}
        client = httpx.AsyncClient(transport=transport, base_url=AT, headers=headers, cookies=cookies)
        clients[one] = await stack.enter_async_context(client)
    return Office(desk, clients)


def _session(role: Role) -> str:
    return f"the session of {role.value}"
