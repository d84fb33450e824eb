"""What the tests of the vault's tasks share: an open store of each kind, and places for a master key."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from models.settings import MasterKeySettings
from models.store.engine import Store


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with await Store.open(store_url) as store:
        yield store


@pytest.fixture
def places(tmp_path: Path) -> MasterKeySettings:
    return MasterKeySettings(given=None, file=tmp_path / "home" / "master.key")


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """Begin without a keyring, and leave none to the next test."""
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(fail.Keyring())
