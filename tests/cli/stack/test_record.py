"""What is believed of the record that `nija up` leaves in its home, and what the settings make of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cli.stack.record import only_one, write_record
from models.errors import ConfigError, StoreError
from models.settings import database_of, load_settings, prefect_api
from models.stack import PartRecord, PartState, ProcessMark, StackRecord, read_record

URL = "postgresql://nija:hush@127.0.0.1:54329/nija"
DEAD = ProcessMark(pid=2**22 - 1, began=1.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIJA_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def postgres() -> Iterator[ProcessMark]:
    """A process that lives, and is not ours."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield own(process.pid)
        process.communicate(b"\n")


def own(pid: int | None = None) -> ProcessMark:
    mark = ProcessMark.of(os.getpid() if pid is None else pid)
    assert mark is not None
    return mark


def leaves(home: Path, supervisor: ProcessMark, postgres: ProcessMark | None = None, **changes: Any) -> StackRecord:
    parts = tuple(
        PartRecord(name=name, state=PartState.READY, since=datetime.now(UTC), process=process)
        for name, process in (("postgres", postgres), ("server", DEAD))
    )
    record = StackRecord(
        supervisor=supervisor,
        marker="m",
        prefect_api_url="http://127.0.0.1:4200/api",
        database_url=SecretStr(URL),
        own_postgres=True,
        holds_store=True,
        parts=parts,
    ).model_copy(update=changes)
    write_record(home, record)
    return record


def test_commands_find_the_store_and_the_server_of_a_stack_that_runs(home: Path) -> None:
    leaves(home, own())

    assert load_settings().store_url == URL
    assert prefect_api(home, {}) == "http://127.0.0.1:4200/api"


def test_the_environment_wins_over_the_stack(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves(home, own())
    monkeypatch.setenv("NIJA_DATABASE_URL", "postgresql://nija@db/nija")

    assert load_settings().store_url == "postgresql://nija@db/nija"
    assert prefect_api(home, {"PREFECT_API_URL": "http://db:4200/api"}) == "http://db:4200/api"


def test_a_store_that_does_not_run_is_not_replaced_by_another_one(home: Path) -> None:
    leaves(home, DEAD, postgres=DEAD)

    settings = load_settings()  # a command that needs no store does without

    with pytest.raises(StoreError, match="`nija up`, which does not run"):
        _ = settings.store_url
    assert prefect_api(home, {}) is None


def test_a_store_that_outlived_its_supervisor_is_found(home: Path, postgres: ProcessMark) -> None:
    leaves(home, DEAD, postgres=postgres)

    assert load_settings().store_url == URL
    assert prefect_api(home, {}) is None


def test_a_number_that_was_given_to_another_process_is_not_believed(home: Path, postgres: ProcessMark) -> None:
    leaves(home, DEAD, postgres=postgres.model_copy(update={"began": postgres.began - 3600}))

    with pytest.raises(StoreError):
        _ = load_settings().store_url


def test_a_process_that_only_waits_to_be_buried_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    mark = own(process.pid)
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    try:
        assert mark.process() is None
    finally:
        process.wait()


def test_a_postgresql_of_ones_own_is_used_whether_or_not_the_stack_runs(home: Path) -> None:
    leaves(home, DEAD, own_postgres=False)

    assert load_settings().store_url == URL


def test_a_store_that_was_not_moved_yet_is_where_it_was(home: Path) -> None:
    leaves(home, own(), holds_store=False)

    assert load_settings().store_url == f"sqlite:///{home / 'nija.db'}"


@pytest.mark.parametrize(("own_postgres", "wanted"), [(False, URL), (True, None)])
def test_a_stack_that_is_told_nothing_keeps_the_store_of_the_last_one(
    home: Path, own_postgres: bool, wanted: str | None
) -> None:
    leaves(home, DEAD, own_postgres=own_postgres)

    assert database_of(home, {}) == wanted
    assert database_of(home, {"NIJA_DATABASE_URL": "postgresql://db/nija"}) == "postgresql://db/nija"


def test_a_home_without_a_stack_has_its_own_file(home: Path) -> None:
    assert read_record(home) is None
    assert load_settings().store_url == f"sqlite:///{home / 'nija.db'}"


def test_the_record_is_its_owners_alone_and_does_not_show_the_password_by_accident(home: Path) -> None:
    record = leaves(home, own())

    assert (home / "stack.json").stat().st_mode & 0o777 == 0o600
    assert read_record(home) == record
    assert "hush" not in repr(record)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_record_that_others_may_write_is_not_read(home: Path, mode: int) -> None:
    leaves(home, own())
    (home / "stack.json").chmod(mode)

    with pytest.raises(ConfigError, match="may be written by others"):
        load_settings()


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1', "[]"])
def test_a_record_that_is_none_is_named(home: Path, text: str) -> None:
    (home / "stack.json").write_text(text)
    (home / "stack.json").chmod(0o600)

    with pytest.raises(ConfigError, match="is no record of a stack"):
        load_settings()


def test_a_home_has_one_stack_at_a_time(home: Path) -> None:
    leaves(home, own())

    with (
        only_one(home),
        pytest.raises(ConfigError, match=f"runs here already, as process {os.getpid()}"),
        only_one(home),
    ):
        pass
    with only_one(home):
        pass
