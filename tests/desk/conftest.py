"""What the tests of the desk share: an office over a store of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml

from desk.app import open_desk
from models.settings import DeskSettings, Settings
from tasks.runtime import read_fleet
from tests.desk.office import Office, open_office

FLEET = {
    "version": 1,
    "policies": {"all": {"max_positions": 3}},
    "accounts": [
        {"id": "alice", "kind": "platform", "venue": "kraken", "policy": "all", "url": "http://127.0.0.1:1"},
        {"id": "bob", "kind": "user", "venue": "kraken", "policy": "all", "url": "http://127.0.0.1:1"},
    ],
}


@pytest.fixture
async def office(store_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """Return an office over a store of each kind in turn."""
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump(FLEET))
    settings = Settings(home=tmp_path / "home", fleet=file, database_url=store_url)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(open_desk(settings, read_fleet(settings, None), DeskSettings()))
        yield await open_office(desk, stack)
