"""The Prefect server of the tests, for the tests that run flows, and a desk whose flows run on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.desk import Desk
from tests.prefect_server import prefect_api, prefect_home, prefect_server

__all__ = ["prefect_api", "prefect_home", "prefect_server"]


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> Iterator[Desk]:
    with Desk(tmp_path, sqlite_url, monkeypatch) as desk:
        yield desk
