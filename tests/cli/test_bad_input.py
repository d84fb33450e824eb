"""Whatever is wrong with a file, a flag or the environment: one line, exit 1, and nothing was touched."""

from pathlib import Path

import pytest

from tests.cli.command import CLOSED_PORT, Nija

pytestmark = pytest.mark.wire

ACCOUNT = "{id: platform, kind: platform, venue: kraken}"
GOOD = f"version: 1\naccounts: [{ACCOUNT}]\n"


@pytest.mark.parametrize(
    ("fleet", "words"),
    [
        (None, "fleet.yaml: no such fleet file"),
        ("", "fleet.yaml: Input should be a valid dictionary"),
        ("version: [1\n", "fleet.yaml: line 2, column 1: is not YAML"),
        (
            f"{GOOD}acounts: []\n",
            "fleet.yaml: acounts: unknown key (allowed: accounts, history, limits, policies, version, watch)",
        ),
        (
            "version: 1\npolicies: {p: {max_position: 5}}\naccounts: [{id: a, kind: user, venue: kraken, policy: p}]\n",
            "fleet.yaml: policies.p.max_position: unknown key (allowed: allow_stale_balance_minutes,",
        ),
        (
            "version: 1\npolicies: {one: {}, two: {}}\naccounts: [{id: a, kind: user, venue: kraken, policy: tree}]\n",
            "fleet.yaml: accounts[0].policy: unknown policy 'tree' (allowed: one, two)",
        ),
        (
            "version: 1\naccounts: [{id: a, kind: user, venue: krakn}]\n",
            "fleet.yaml: accounts[0].venue: unknown venue 'krakn' (allowed: kraken",
        ),
        (f"version: 1\naccounts: [{ACCOUNT}, {ACCOUNT}]\n", "fleet.yaml: accounts[1].id: 'platform' and 'platform'"),
    ],
)
def test_a_wrong_fleet_file_is_one_line_with_file_place_and_allowed_values(
    offline: Nija, fleet: str | None, words: str
) -> None:
    if fleet is not None:
        offline.writes_fleet(fleet)

    ran = offline("fleet", "check")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(f"CONFIG_ERROR {words}")
    assert not offline.home.exists()


@pytest.mark.parametrize("command", [["normalize", "--live", "--yes"], ["recover"]])
def test_an_unknown_account_names_the_known_ones(offline: Nija, command: list[str]) -> None:
    offline.writes_fleet(GOOD)

    ran = offline(*command, "--account", "plattform", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint == "CONFIG_ERROR --account: 'plattform' is not in fleet.yaml (allowed: platform)"
    assert not offline.home.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["normalise"], "USAGE No such command 'normalise'"),
        (["entry-check", "--symbol", "ETH/USD", "--usd", "1"], "USAGE Missing option '--account'"),
        (
            ["entry-check", "--account", "a", "--symbol", "ETH", "--usd", "1"],
            "CONFIG_ERROR --symbol: 'ETH' is no symbol",
        ),
        (["entry-check", "--account", "a", "--symbol", "A/B", "--usd", "-1"], "CONFIG_ERROR --usd: -1 is not positive"),
        (["halts", "resume", "--account", "a", "--reason", " "], "CONFIG_ERROR --reason: is empty"),
        (["simulate", "gate"], "CONFIG_ERROR VENUE: no simulator for 'gate' (allowed: kraken, binance, coinbase"),
        (["simulate", "kraken", "--world", "nowhere.yaml"], "CONFIG_ERROR nowhere.yaml: No such file or directory"),
    ],
)
def test_bad_usage_is_one_line_and_exit_1(offline: Nija, arguments: list[str], words: str) -> None:
    ran = offline(*arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "MAX_POSITIONS_ALLOWED",
            "abc",
            "CONFIG_ERROR environment MAX_POSITIONS_ALLOWED: Input should be a valid integer",
        ),
        ("DUST_THRESHOLD_USD", "20", "CONFIG_ERROR environment: expected dust_threshold_usd <= minimum_position_usd"),
        (
            "NIJA_VENUE_TIMEOUT_SECONDS",
            "soon",
            "CONFIG_ERROR environment NIJA_VENUE_TIMEOUT_SECONDS: Input should be a",
        ),
    ],
)
def test_a_wrong_variable_is_named(offline: Nija, variable: str, value: str, words: str) -> None:
    offline.writes_fleet(GOOD)

    ran = offline("fleet", "check", env={variable: value})

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words)
    assert repr(value) in ran.complaint or value in ran.complaint


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "STORE_URL store NIJA_DATABASE_URL: is not a database URL"),
        ("postgresql://nija:hush@localhost:port/nija", "STORE_URL store NIJA_DATABASE_URL: is not a database URL"),
        ("mysql://nija:hush@localhost/nija", "STORE_URL store mysql://nija:***@localhost/nija: unknown database"),
        ("postgresql://nija:hush@127.0.0.1:1/nija?shards=3", "STORE_URL store postgresql://nija:***@127.0.0.1:1/nija"),
        ("postgresql://nija:hush@127.0.0.1:1/nija?sslmode=require", "STORE_UNREACHABLE store postgresql://nija:***@"),
    ],
)
def test_a_store_that_cannot_be_reached_stops_the_command_and_shows_no_password(
    offline: Nija, url: str, words: str
) -> None:
    ran = offline("db", "upgrade", env={"NIJA_DATABASE_URL": url})

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(words)
    assert "hush" not in ran.err


def test_a_home_that_is_a_file_stops_the_command(offline: Nija) -> None:
    offline.writes_fleet(GOOD)
    offline.home.write_text("not a folder")

    ran = offline("normalize", "--live", "--yes")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(f"STORE_UNREACHABLE store {offline.home / 'nija.db'}: its folder cannot be made")
    assert offline.home.read_text() == "not a folder"


@pytest.mark.parametrize(
    ("world", "words"),
    [(None, "world.yaml: No such file or directory"), ("venue: kraken\nmarket: []\n", "market: Extra inputs")],
)
def test_a_wrong_world_of_a_simulated_account_names_the_account(
    offline: Nija, tmp_path: Path, world: str | None, words: str
) -> None:
    offline.writes_fleet("version: 1\naccounts: [{id: a, kind: platform, venue: kraken, simulated: world.yaml}]\n")
    if world is not None:
        (tmp_path / "world.yaml").write_text(world)

    ran = offline("entry-check", "--account", "a", "--symbol", "ETH/USD", "--usd", "10")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith("CONFIG_ERROR fleet.yaml: account a.simulated:")
    assert words in ran.complaint


def test_an_account_without_keys_cannot_be_checked(offline: Nija) -> None:
    offline.writes_fleet(
        f"version: 1\naccounts: [{{id: no-keys, kind: platform, venue: kraken, url: '{CLOSED_PORT}'}}]\n"
    )

    ran = offline("entry-check", "--account", "no-keys", "--symbol", "ETH/USD", "--usd", "10")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith("CONFIG_ERROR environment NIJA_NO_KEYS_API_KEY: is not set")
