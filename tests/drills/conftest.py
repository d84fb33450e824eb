"""What every drill gets: a desk over a store of each kind; on a Prefect server only where a drill asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.desk import Desk
from tests.drills.office import Office
from tests.drills.plain import plain_desk
from tests.prefect_server import prefect_api, prefect_home, prefect_server
from tests.sink import Sink

__all__ = ["prefect_api", "prefect_home", "prefect_server"]


@pytest.fixture
def desk(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with plain_desk(tmp_path, store_url, monkeypatch) as desk:
        yield desk


@pytest.fixture
def sqlite_desk(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """For drills that run against every venue, and to which the store is all the same."""
    with plain_desk(tmp_path, sqlite_url, monkeypatch) as desk:
        yield desk


@pytest.fixture
def prefect_desk(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, prefect_server: None
) -> Iterator[Desk]:
    with Desk(tmp_path, store_url, monkeypatch) as desk:
        yield desk


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def office(desk: Desk, sink: Sink) -> Office:
    return Office(desk, sink)


@pytest.fixture
def here(sqlite_desk: Desk, sink: Sink) -> Office:
    """For what has nothing to do with the kind of store."""
    return Office(sqlite_desk, sink)
