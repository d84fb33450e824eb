"""The smaller commands: fleet, db, forget, simulate; the environment's order of precedence; and help for each."""

import asyncio
import importlib.util
import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from brokers.simulator.handle import RunningVenue
from cli.main import app
from models.position import Tracked
from models.reasons import Mode
from models.store.engine import Store
from models.store.migrate import HEAD
from models.store.tracked import save_snapshot
from tests.builders import NOW, a_snapshot
from tests.cli.command import Nija

EXAMPLE = Path(__file__).parents[2] / "examples" / "fleet.yaml"


def commands(node: Any, name: str = "nija") -> Iterator[tuple[str, Any]]:
    """Walk every command below `node`."""
    below = getattr(node, "commands", None)
    if below is None:
        yield name, node
        return
    for word, command in below.items():
        yield from commands(command, f"{name} {word}")


@pytest.mark.parametrize(("name", "command"), list(commands(typer.main.get_command(app))))
def test_every_command_has_help_with_an_example(name: str, command: Any) -> None:
    text = " ".join((command.help or "").split())

    assert re.search(rf"Example: .*\b{name}\b", text)
    assert all(getattr(option, "help", None) for option in command.params)


@pytest.mark.wire
def test_help_is_shown_and_is_no_fault(offline: Nija) -> None:
    ran = offline("normalize", "--help")

    assert (ran.code, ran.err) == (0, "")
    assert "--live" in ran.out
    assert "Example:" in ran.out


@pytest.mark.wire
def test_the_schema_that_is_printed_describes_the_example(offline: Nija) -> None:
    ran = offline("fleet", "schema")

    assert (ran.code, ran.err) == (0, "")
    schema = ran.report
    assert schema["title"] == "Nija fleet file"
    if importlib.util.find_spec("jsonschema") is None:
        return
    import jsonschema  # noqa: PLC0415 - comes with Prefect, and is none of ours

    example = yaml.safe_load(EXAMPLE.read_text())
    jsonschema.validate(example, schema)
    wrong = json.loads(json.dumps(example).replace("max_positions", "max_position"))
    with pytest.raises(jsonschema.ValidationError, match="max_position"):
        jsonschema.validate(wrong, schema)


@pytest.mark.wire
def test_the_file_wins_over_the_environment_and_the_environment_over_the_defaults(offline: Nija) -> None:
    offline.writes_fleet(
        "version: 1\n"
        "policies: {own: {max_positions: 4}, rest: {}}\n"
        "accounts:\n"
        "  - {id: own, kind: platform, venue: kraken, policy: own}\n"
        "  - {id: rest, kind: platform, venue: kraken, policy: rest}\n"
        "  - {id: none, kind: user, venue: binance, quote: USDT}\n"
    )

    ran = offline("fleet", "check", env={"MAX_POSITIONS_ALLOWED": "6", "DUST_THRESHOLD_USD": "2.50"})

    assert ran.code == 0
    cells = [[cell.strip() for cell in line.split("│")] for line in ran.out.splitlines() if line.startswith("│")]
    assert {row[1]: (row[5], row[6]) for row in cells} == {
        "own": ("4", "2.50"),
        "rest": ("6", "2.50"),
        "none": ("6", "2.50"),
    }
    assert "PLATFORM_NOT_CONFIGURED: user account 'none'" in ran.err


@pytest.mark.wire
def test_the_fleet_flag_wins_over_its_variable_and_the_variable_over_the_file_here(offline: Nija) -> None:
    for name in ("fleet", "named", "flagged"):
        row = f"{{id: {name}, kind: platform, venue: kraken}}"
        (offline.folder / f"{name}.yaml").write_text(f"version: 1\naccounts: [{row}]\n")
    named = {"NIJA_FLEET": "named.yaml"}

    by_variable = offline("fleet", "check", env=named)
    by_flag = offline("fleet", "check", "--fleet", "flagged.yaml", env=named)

    assert "named.yaml" in by_variable.out
    assert "flagged.yaml" in by_flag.out


@pytest.mark.wire
def test_the_store_is_made_and_upgraded(offline: Nija) -> None:
    ran = offline("db", "upgrade")

    assert (ran.code, ran.out.split()) == (0, [str(offline.home / "nija.db"), "is", "at", "revision", HEAD])


@pytest.mark.wire
def test_a_person_can_say_that_tracked_positions_are_gone(offline: Nija) -> None:
    offline.writes_fleet("version: 1\naccounts: [{id: platform, kind: platform, venue: kraken}]\n")

    async def track() -> None:
        async with await Store.open(f"sqlite:///{offline.home / 'nija.db'}") as store:
            tracked = {s: Tracked(s, Decimal(1), None, NOW, Decimal(100)) for s in ("BTC/USD", "ETH/USD")}
            await save_snapshot(store, a_snapshot(), tracked, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p")

    asyncio.run(track())

    ran = offline("forget", "--account", "platform", "--reason", "withdrawn")
    unknown = offline("forget", "--account", "nobody", "--reason", "withdrawn")

    assert (ran.code, ran.out) == (0, "platform: 2 tracked positions forgotten\n")
    assert (unknown.code, unknown.out) == (1, "")


@pytest.mark.wire
def test_a_simulated_venue_serves_until_it_is_stopped(offline: Nija) -> None:
    running = offline.start("simulate", "kraken", "--port", "0")
    first, second = running.out.readline(), running.out.readline()
    (url,) = re.findall(r"on (http://127\.0\.0\.1:\d+)$", first.strip())

    with urllib.request.urlopen(f"{url}/0/public/Time", timeout=5) as answer:  # noqa: S310 - our own server
        told = json.load(answer)
    running.send(signal.SIGINT)
    ran = offline.end_of(running)

    assert told["error"] == []
    assert ran.code == 0
    assert "export NIJA_DEMO_API_KEY=SIMULATOR-ONLY" in second


@pytest.mark.wire
def test_a_port_in_use_is_one_line(offline: Nija, kraken: RunningVenue) -> None:
    port = kraken.url.rsplit(":", 1)[1]

    ran = offline("simulate", "kraken", "--port", port)

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(f"CONFIG_ERROR port {port}: cannot be used")
