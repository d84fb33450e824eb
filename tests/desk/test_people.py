"""Coming in and going out: links, passwords, sessions, tokens; and what a thief of the database has of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from desk.app import build_app, open_desk
from desk.desk import Desk
from desk.people.headers import cookie_name
from desk.people.links import at_the_terminal, new_link, nobody_can_log_in
from desk.people.login import buckets_of
from models.people import Role
from models.settings import DeskSettings, Settings
from models.store.desk_audit import audit_entries
from models.store.logins import take_turns
from models.store.people import add_person, change_role
from models.store.sessions import IDLE, LASTS
from tasks.runtime import read_fleet
from tests.desk.conftest import FLEET
from tests.desk.hands import Hands

AT = "http://localhost"
PASSWORD = "four words that rhyme"
ME = at_the_terminal("me")


class Door:
    """A desk with a clock of its own, and browsers that come to it."""

    def __init__(self, desk: Desk, clock: Hands, stack: AsyncExitStack) -> None:
        self.desk, self.clock, self._stack = desk, clock, stack
        self._transport = httpx.ASGITransport(app=build_app(desk, pages=False), client=("10.0.0.9", 1))
        self.cookie = cookie_name(desk.served)

    async def browser(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=self._transport, base_url=AT, headers={"Origin": AT})
        return await self._stack.enter_async_context(client)

    async def link(self, name: str = "admin") -> str:
        return await new_link(self.desk.store, name, by=ME, now=self.clock.now())

    async def welcomes(self, browser: httpx.AsyncClient, link: str, password: str = PASSWORD) -> httpx.Response:
        return await browser.post("/welcome", data={"link": link, "password": password, "again": password})

    async def logs_in(
        self, browser: httpx.AsyncClient, name: str = "admin", password: str = PASSWORD
    ) -> httpx.Response:
        return await browser.post("/login", data={"name": name, "password": password, "next": "/alerts"})

    async def inside(self) -> httpx.AsyncClient:
        """Return a browser that is logged in as the admin."""
        browser = await self.browser()
        await self.welcomes(browser, await self.link())
        return browser


@pytest.fixture
async def door(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(FLEET))
    settings, clock = Settings(home=tmp_path / "home", fleet=file, database_url=sqlite_url), Hands()
    async with AsyncExitStack() as stack:
        fleet = read_fleet(settings, None)
        desk = await stack.enter_async_context(open_desk(settings, fleet, DeskSettings(), clock))
        await nobody_can_log_in(desk.store, by=ME, now=clock.now())
        yield Door(desk, clock, stack)


async def me(browser: httpx.AsyncClient) -> int:
    return (await browser.get("/api/me")).status_code


async def test_the_first_admin_comes_in_by_a_link_once(door: Door) -> None:
    link, first, second = await door.link(), await door.browser(), await door.browser()

    entered = await door.welcomes(first, link)
    again = await door.welcomes(second, link)

    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert (again.status_code, "used up or too old" in again.text) == (401, True)
    assert (await me(first), await me(second)) == (200, 401)
    assert await nobody_can_log_in(door.desk.store, by=ME, now=door.clock.now()) is None


async def test_a_link_is_too_old_after_an_hour_and_void_when_a_newer_one_is_made(door: Door) -> None:
    first, browser = await door.link(), await door.browser()
    second = await door.link()
    replaced = await door.welcomes(browser, first)
    door.clock.turns(hours=1, seconds=1)
    late = await door.welcomes(browser, second)

    assert (replaced.status_code, late.status_code) == (401, 401)


async def test_a_password_that_would_be_guessed_is_refused_and_the_link_stays_good(door: Door) -> None:
    link, browser = await door.link(), await door.browser()

    answers = [await door.welcomes(browser, link, password) for password in ("short", "aaaaaaaaaaaaaaaa")]
    good = await door.welcomes(browser, link)

    assert [answer.status_code for answer in answers] == [422, 422]
    assert good.status_code == 303


async def test_a_wrong_name_and_a_wrong_password_look_the_same(door: Door) -> None:
    await door.inside()
    browser = await door.browser()

    unknown = await door.logs_in(browser, "nobody", "a wrong password")
    wrong = await door.logs_in(browser, "admin", "a wrong password")

    assert (unknown.status_code, wrong.status_code) == (401, 401)
    assert unknown.text.replace("nobody", "admin") == wrong.text
    assert door.cookie not in browser.cookies


async def test_who_was_guessed_too_often_waits_whether_there_is_one_of_that_name_or_not(door: Door) -> None:
    await door.inside()
    browser = await door.browser()
    for name in ("admin", "ghost"):
        for _ in range(5):
            assert await take_turns(door.desk.store, buckets_of(name, "10.0.0.8")) == 0

    right, unknown = await door.logs_in(browser), await door.logs_in(browser, "ghost")

    assert (right.status_code, unknown.status_code) == (429, 429)
    assert int(right.headers["retry-after"]) > 0
    assert right.text.replace("admin", "ghost").split("alert")[0] == unknown.text.split("alert")[0]


async def test_a_login_that_goes_well_counts_for_nothing(door: Door) -> None:
    await door.inside()

    codes = {(await door.logs_in(await door.browser())).status_code for _ in range(6)}

    assert codes == {303}


async def test_a_session_that_was_there_before_the_login_is_not_taken_over(door: Door) -> None:
    await door.inside()
    victim = await door.browser()
    victim.cookies.set(door.cookie, "planted by somebody else", domain="localhost")

    await door.logs_in(victim)
    attacker = await door.browser()
    attacker.cookies.set(door.cookie, "planted by somebody else", domain="localhost")

    given = [cookie.value for cookie in victim.cookies.jar if cookie.value != "planted by somebody else"]
    assert len(given) == 1
    assert await me(attacker) == 401


async def test_a_session_ends_when_nobody_uses_it_and_after_its_time_in_any_case(door: Door) -> None:
    idle, busy = await door.inside(), await door.browser()
    await door.logs_in(busy)
    seen = []
    while (door.clock.ahead) < LASTS + timedelta(minutes=1):
        seen.append(await me(busy))
        door.clock.turns(minutes=IDLE.total_seconds() / 60 - 1)
        if len(seen) == 3:
            assert await me(idle) == 401

    assert set(seen) == {200}
    assert await me(busy) == 401


@pytest.mark.parametrize("change", ["role", "password", "logout"])
async def test_a_change_of_what_somebody_may_do_ends_their_sessions(door: Door, change: str) -> None:
    browser, other = await door.inside(), await door.browser()
    await door.logs_in(other)
    await add_person(door.desk.store, "second", Role.ADMIN, by=ME, now=door.clock.now())
    csrf = (await browser.get("/api/me")).json()["csrf"]

    if change == "role":
        await change_role(door.desk.store, "admin", Role.VIEWER, by=ME, now=door.clock.now())
    elif change == "password":
        passwords = {"old": PASSWORD, "new": "five words that do not"}
        answer = await browser.post("/api/me/password", json=passwords, headers={"X-CSRF-Token": csrf})
        assert answer.status_code == 200
    else:
        await browser.post("/api/people/admin/remove", headers={"X-CSRF-Token": csrf})

    assert (await me(browser), await me(other)) == (401, 401)


async def test_the_last_admin_stays(door: Door) -> None:
    browser = await door.inside()
    headers = {"X-CSRF-Token": (await browser.get("/api/me")).json()["csrf"]}

    removed = await browser.post("/api/people/admin/remove", headers=headers)
    lowered = await browser.post("/api/people/admin/role", json={"role": "viewer"}, headers=headers)

    assert (removed.status_code, lowered.status_code) == (422, 422)
    assert await me(browser) == 200


async def test_a_token_may_do_no_more_than_its_person_may_by_now(door: Door) -> None:
    browser = await door.inside()
    headers = {"X-CSRF-Token": (await browser.get("/api/me")).json()["csrf"]}
    await browser.post("/api/people", json={"name": "bot-owner", "role": "operator"}, headers=headers)
    wanted = {"name": "bot", "person": "bot-owner", "permits": ["act", "read"], "days": 1}
    made = (await browser.post("/api/tokens", json=wanted, headers=headers)).json()
    bot = {"Authorization": f"Bearer {made['token']}"}
    plain = await door.browser()
    act = {"url": "/api/accounts/alice/freeze", "json": {"symbol": "ETH/USD", "reason": "wait"}, "headers": bot}

    before = await plain.post(**act)  # type: ignore[arg-type]
    await browser.post("/api/people/bot-owner/role", json={"role": "viewer"}, headers=headers)
    after = await plain.post(**act)  # type: ignore[arg-type]
    reads = await plain.get("/api/me", headers=bot)
    door.clock.turns(days=1, seconds=1)
    late = await plain.get("/api/me", headers=bot)

    assert [one.status_code for one in (before, after, reads, late)] == [200, 403, 200, 401]
    entries = {one.action: one for one in await audit_entries(door.desk.store)}
    assert entries["symbol.freeze"].who == f"bot-owner (token {made['token_id']})"
    assert entries["person.role"].before == {"role": "operator"}
    assert entries["person.role"].after == {"role": "viewer"}


def test_a_line_to_the_network_is_counted_as_one_however_many_addresses_it_has() -> None:
    def counted(address: str) -> str:
        return buckets_of("admin", address)[1].subject

    assert counted("2001:db8:1:2::1") == counted("2001:db8:1:2:ffff::9")
    assert counted("2001:db8:1:2::1") != counted("2001:db8:1:3::1")
    assert counted("::ffff:10.0.0.9") == counted("10.0.0.9") != counted("10.0.0.8")
    assert counted("") == counted("")
