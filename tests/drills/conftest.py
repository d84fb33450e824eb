"""What every drill gets: a desk over a store of each kind in turn, on the Prefect server of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.desk import Desk
from tests.prefect_server import prefect_api, prefect_home, prefect_server

__all__ = ["prefect_api", "prefect_home", "prefect_server"]


@pytest.fixture
def desk(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> Iterator[Desk]:
    with Desk(tmp_path, store_url, monkeypatch) as desk:
        yield desk
