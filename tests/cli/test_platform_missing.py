"""A user account whose venue has no platform account is said on load, by every command that loads a fleet, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from models.errors import NijaError
from tests.cli.command import Nija
from tests.drills.desk import Desk
from tests.drills.plain import plain_desk

pytestmark = pytest.mark.wire

SAID = "warning: PLATFORM_NOT_CONFIGURED: user account 'alice' is on kraken, where no platform account is\n"
WHY = ("--account", "alice", "--reason", "a drill")


@pytest.fixture
def desk(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose commands run in this process."""
    with plain_desk(tmp_path, store_url, monkeypatch) as desk:
        desk.opens(prices={"BTC": 1000, "SOL": 100}, holds={"alice": {"BTC": 1}}, settings={"kind": "user"})
        desk.write_fleet()
        yield desk


# M1
def test_every_command_that_loads_the_fleet_says_it_in_one_line_and_once(desk: Desk) -> None:
    said = {command: _said(*command.split(), *more) for command, *more in _commands()}

    assert said == dict.fromkeys(said, 1)


# M1
@pytest.mark.parametrize("kinds", [("platform",), ("platform", "user")])
def test_a_platform_account_alone_and_both_are_fine(offline: Nija, kinds: tuple[str, ...]) -> None:
    rows = [{"id": f"a{n}", "kind": kind, "venue": "kraken"} for n, kind in enumerate(kinds)]
    offline.writes_fleet({"version": 1, "accounts": rows})

    assert "PLATFORM_NOT_CONFIGURED" not in offline("balances").err


# M1
def test_a_document_of_json_stays_one_document(desk: Desk) -> None:
    ran = CliRunner().invoke(app, ["balances", "--json"], standalone_mode=False)

    assert (ran.stderr, ran.stdout.startswith("{")) == (SAID, True)


def _commands() -> Iterator[tuple[str, ...]]:
    yield ("entry-check", "--account", "alice", "--symbol", "SOL/USD", "--usd", "20")
    for command in ("doctor", "adopt", "reconcile", "recover", "balances", "status", "watch", "orders list --venue"):
        yield (command,)
    for command in ("fleet check", "exits list", "keys list"):
        yield (command,)
    yield ("forget", *WHY)
    yield ("reconcile accept", *WHY)
    yield ("frozen freeze", "--symbol", "SOL/USD", *WHY)


def _said(*command: str) -> int:
    ran = CliRunner().invoke(app, command, standalone_mode=False)
    assert ran.exception is None or isinstance(ran.exception, NijaError), (command, ran.exception)
    lines = [line for line in ran.stderr.splitlines() if "PLATFORM_NOT_CONFIGURED" in line]
    assert set(lines) <= {SAID.rstrip()}
    return len(lines)
