"""Keys through the desk: red with the venue's words, green, saved; and found nowhere afterwards."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import MetaData, select

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from desk.app import open_desk
from models.people import Role
from models.settings import DeskSettings, Settings
from models.store.engine import Store
from tasks.runtime import read_fleet
from tests.desk.office import Office, open_office

pytestmark = pytest.mark.wire

WORLD = {
    "venue": "kraken",
    "markets": [{"symbol": "BTC/USD", "price": "50000"}],
    "accounts": {"alice": {"balances": {"USD": "1000"}}},
}
WRONG = {"api_key": "a-key-of-nobody-0123456789", "api_secret": "bm90IGEgc2VjcmV0IG9mIGFueWJvZHk="}


@pytest.fixture
def kraken() -> Iterator[RunningVenue]:
    with RunningVenue(World.model_validate(WORLD)) as venue:
        yield venue


@pytest.fixture
async def office(kraken: RunningVenue, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    row = {"id": "alice", "kind": "platform", "venue": "kraken", "url": kraken.url}
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "accounts": [row]}))
    settings = Settings(home=tmp_path / "home", fleet=file, database_url=sqlite_url, limits_factor=1000)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(open_desk(settings, read_fleet(settings, None), DeskSettings()))
        yield await open_office(desk, stack)


def files_in(folder: Path) -> list[str]:
    """Return what every file of a folder holds, the store's own among them."""
    return [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]


async def everything_in(store: Store) -> str:
    """Return every value of every column, as one text."""
    async with store.reading() as connection:
        found = MetaData()
        await connection.run_sync(found.reflect)
        rows = [row for table in found.sorted_tables for row in await connection.execute(select(table))]
    return repr(rows)


async def test_wrong_keys_are_red_right_ones_green_and_neither_is_seen_again(
    office: Office, kraken: RunningVenue, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin, seen = office.clients[Role.ADMIN], list[httpx.Response]()
    key, secret = (str(part) for part in kraken.credentials("alice")[:2])
    right = {"api_key": key, "api_secret": secret}

    async def post(what: str, **body: Any) -> httpx.Response:
        seen.append(await admin.post(f"/api/keys/{what}", json={"account": "alice", **body}))
        return seen[-1]

    async def card() -> dict[str, Any]:
        seen.append(await office.viewer.get("/api/keys/list"))
        (found,) = seen[-1].json()["items"]
        return dict(found)

    wrong = await post("test", keys=WRONG)
    refused = await post("save", keys=WRONG)
    before = await card()
    saved = await post("save", keys=right)
    green = await card()
    twice = await post("save", keys=right)
    tested = await post("test")
    rotated = await post("rotate")
    deleted = await post("delete")
    gone = await card()
    seen.append(await admin.get("/api/audit"))

    assert (wrong.json()["accepted"], "Invalid key" in wrong.json()["reason"]) == (False, True)
    assert (refused.status_code, "Invalid key" in refused.json()["detail"]) == (422, True)
    assert (before["stored"], before["source"]) == (False, "none")
    assert (saved.status_code, saved.json()["test"]["accepted"]) == (200, True)
    assert (green["stored"], green["source"], green["test"]["accepted"]) == (True, "vault", True)
    assert "may trade, may not withdraw" in green["test"]["permissions"]
    assert (twice.status_code, twice.json()["code"]) == (409, "CHANGED")
    assert (tested.json()["accepted"], rotated.json()["tokens"], deleted.status_code) == (True, 1, 200)
    assert (gone["stored"], gone["test"]) == (False, None)
    kept = [entry.action for entry in await office.deeds()]
    assert kept == ["keys.test", "keys.test", "keys.test", "keys.save", "keys.test", "keys.rotate", "keys.delete"]
    places = [*(answer.text for answer in seen), caplog.text, await everything_in(office.desk.store)]
    places += files_in(tmp_path)
    for part in (key, secret, WRONG["api_key"], WRONG["api_secret"], "the session of admin"):
        assert not any(part in place for place in places), part
