"""The door: which host, from which page, and what goes with every answer."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import Response

from desk.app import build_app
from desk.people.bodies import MOST
from desk.people.headers import CSRF_HEADER, cookie_name, set_cookie
from desk.people.secrets import csrf_of
from models.people import Role
from models.settings import DeskSettings
from tests.desk.office import AT, Office

CROSS = {"Sec-Fetch-Site": "cross-site"}
FREEZE = {"symbol": "ETH/USD", "reason": "wait"}


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """Return one kind of store: what is asked here does not differ between them."""
    return sqlite_url


async def test_it_answers_to_its_own_names_and_to_numbers_alone(office: Office) -> None:
    """Any other name could be pointed here by somebody whose page then reads what is answered."""
    others = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""]
    own = ["localhost:4280", "127.0.0.1", "[::1]:4280", "192.168.1.7"]

    codes = [(await office.viewer.get("/api/me", headers={"Host": host})).status_code for host in (*others, *own)]

    assert codes == [421] * 4 + [200] * 4


async def test_a_page_of_another_address_changes_nothing(office: Office) -> None:
    answers = [
        await office.operator.post("/api/accounts/alice/freeze", json=FREEZE, headers=headers)
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"{AT}:9999"},
            {CSRF_HEADER: ""},
            {CSRF_HEADER: csrf_of("another session")},
        )
    ]
    login = await office.clients[None].post(
        "/login", data={"name": "admin"}, headers={"Origin": "https://evil.example"}
    )
    right = await office.operator.post("/api/accounts/alice/freeze", json=FREEZE)

    assert [answer.status_code for answer in answers] == [403] * 5
    assert login.status_code == 403
    assert right.status_code == 200
    assert len(await office.deeds()) == 1


async def test_a_browser_that_says_a_page_of_another_site_asks_is_believed(office: Office) -> None:
    del office.operator.headers["Origin"]

    cross = await office.operator.post("/api/accounts/alice/freeze", json=FREEZE, headers=CROSS)

    assert cross.status_code == 403


async def test_pages_and_their_sockets_are_for_who_is_logged_in(office: Office) -> None:
    nobody = office.clients[None]
    pages = [await nobody.get(path) for path in ("/", "/accounts/alice", "/alerts?all=true")]
    socket = await nobody.get("/_nicegui_ws/socket.io/")

    assert [page.status_code for page in pages] == [303] * 3
    assert [page.headers["location"] for page in pages] == [
        "/login?next=/",
        "/login?next=/accounts/alice",
        "/login?next=/alerts%3Fall%3Dtrue",
    ]
    assert socket.status_code == 401


async def test_the_login_leads_nowhere_else(office: Office) -> None:
    for beyond in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx"):
        page = await office.clients[None].get("/login", params={"next": beyond})
        assert 'name="next" value="/"' in page.text, beyond


@pytest.mark.parametrize("odd", ["http://[", "http://[::1", "//[x"])
async def test_an_address_that_is_none_is_nobodys(office: Office, odd: str) -> None:
    nobody = office.clients[None]

    sent = await nobody.post("/login", data={"name": "admin"}, headers={"Origin": odd})
    page = await nobody.get("/login", params={"next": odd})

    assert (sent.status_code, page.status_code) == (403, 200)
    assert 'name="next" value="/"' in page.text


async def test_a_form_of_many_fields_or_of_names_that_nobody_has_is_refused_in_words(office: Office) -> None:
    many = await office.clients[None].post("/login", data={f"field{n}": "" for n in range(30)})
    odd = await office.clients[None].post("/login", data={"name": "admin\0", "password": "four words that rhyme"})

    assert (many.status_code, many.json()["code"], odd.status_code) == (422, "CONFIG_ERROR", 401)


class Sent(httpx.AsyncByteStream):
    """A body of unknown length. `taken`: how many bytes of it were asked for."""

    def __init__(self, parts: int) -> None:
        self.parts, self.taken = parts, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.parts):
            self.taken += 65_536
            yield b" " * 65_536


async def test_of_nobody_nothing_is_read_and_of_somebody_no_more_than_there_is_to_say(office: Office) -> None:
    """A desk that reads whatever is sent is out of memory when anybody likes."""
    json = {"Content-Type": "application/json"}
    path, unread, cut = "/api/accounts/alice/freeze", Sent(1), Sent(1000)

    nobody = await office.clients[None].post(path, content=unread, headers=json)
    broken = await office.clients[None].post(path, content="{", headers=json)
    endless = await office.operator.post(path, content=cut, headers=json)
    said = await office.operator.post(path, content="", headers=json | {"Content-Length": str(10**12)})
    nonsense = await office.operator.post(path, content="", headers=json | {"Content-Length": "-1"})

    assert [answer.status_code for answer in (nobody, broken, endless, said, nonsense)] == [401, 401, 413, 413, 413]
    assert {answer.json()["code"] for answer in (endless, said, nonsense)} == {"TOO_LARGE"}
    assert (unread.taken, cut.taken < 2 * MOST) == (0, True)


async def test_every_answer_says_what_a_browser_may_do_with_it(office: Office) -> None:
    for path in ("/login", "/welcome", "/api/me", "/api/nothing", "/health"):
        judge(await office.viewer.get(path))


def judge(answer: httpx.Response) -> None:
    policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'self'"
    assert "unsafe-inline" not in policy["script-src"]
    assert not any("http" in rule for rule in policy.values())
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    if answer.headers["content-type"].startswith("text/html") and "<script" in answer.text:
        nonce = policy["script-src"].split("'nonce-")[1].split("'")[0]
        assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}"')


def test_a_cookie_is_kept_from_scripts_other_sites_and_plain_http() -> None:
    plain, behind_https = Response(), Response()
    set_cookie(plain, DeskSettings(), "s")
    set_cookie(behind_https, DeskSettings.model_validate({"url": "https://desk.example"}), "s")

    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(plain.headers["set-cookie"].split("; "))
    assert behind_https.headers["set-cookie"].startswith("__Host-nija_desk=s;")
    assert "Secure" in behind_https.headers["set-cookie"].split("; ")


async def test_what_goes_wrong_within_is_told_by_code_and_shows_nothing_of_what_was_sent(office: Office) -> None:
    secret = "sk-live-0123456789abcdef"
    half = {"account": "alice", "keys": {"api_key": secret}}
    wrong = await office.clients[Role.ADMIN].post("/api/keys/save", json=half)
    unknown = await office.viewer.get("/api/nothing")

    assert (wrong.status_code, wrong.json()["code"], secret in wrong.text) == (422, "NOT_VALID", False)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NOT_FOUND")


async def test_the_app_is_reached_by_the_cookie_of_its_own_port(office: Office) -> None:
    assert cookie_name(office.desk.served) == "nija_desk_4280"
    transport = httpx.ASGITransport(app=build_app(office.desk, pages=False))
    elsewhere = {"nija_desk_1": "the session of admin"}
    async with httpx.AsyncClient(transport=transport, base_url=AT, cookies=elsewhere) as one:
        assert (await one.get("/api/me")).status_code == 401
