"""A desk over a store of each kind in turn, whose flows need no Prefect server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.desk import Desk
from tests.drills.plain import without_prefect, without_throttle


@pytest.fixture
def desk(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    without_prefect(monkeypatch)
    without_throttle(monkeypatch)
    with Desk(tmp_path, store_url, monkeypatch) as desk:
        yield desk
