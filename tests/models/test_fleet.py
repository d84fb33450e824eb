"""The fleet file: read whole, checked whole, and every fault named with file, place and what is allowed."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from models.errors import ConfigError
from models.fleet import Fleet, fleet_schema, load_fleet
from models.policy import Policy

GOOD = """\
version: 1
policies:
  platform: {max_positions: 6, minimum_position_usd: 7.1}
accounts:
  - {id: platform, kind: platform, venue: kraken, policy: platform, url: "http://127.0.0.1:9001"}
  - {id: alice-1, kind: user, venue: binance, quote: USDT, owner: alice}
  - {id: alice-2, kind: user, venue: kraken, owner: alice}
"""
ACCOUNT = "id: a, kind: user, venue: kraken"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.yaml"


def read(path: Path, text: str, **defaults: Any) -> Fleet:
    path.write_text(text)
    return load_fleet(path, defaults)


def one(row: str = "id: a, kind: user, venue: kraken", more: str = "") -> str:
    """Write a fleet file of one account."""
    return f"version: 1\n{more}accounts: [{{{row}}}]\n"


def test_a_fleet_file_gives_every_account_its_whole_policy(path: Path) -> None:
    fleet = read(path, GOOD)

    assert [account.id for account in fleet.accounts] == ["platform", "alice-1", "alice-2"]
    assert fleet.policies["platform"].max_positions == 6
    assert fleet.policies["alice-1"] == Policy()
    assert fleet.accounts[1].env_name == "ALICE_1"


def test_a_number_without_quotes_keeps_the_digits_that_were_written(path: Path) -> None:
    assert read(path, GOOD).policies["platform"].minimum_position_usd == Decimal("7.1")


def test_the_file_wins_over_the_environment_and_the_environment_over_the_defaults(path: Path) -> None:
    fleet = read(path, GOOD, max_positions="3", settle_seconds="9")

    assert fleet.policies["platform"].max_positions == 6
    assert fleet.policies["platform"].settle_seconds == 9
    assert fleet.policies["alice-1"].max_positions == 3


def test_an_account_may_have_strategies_with_a_timeframe_and_parameters_or_their_defaults(path: Path) -> None:
    rows = "{name: rsi, symbol: BTC/USD}, {name: sma-cross, symbol: BTC/USD, timeframe: 4h, parameters: {fast: 5}}"

    rsi, cross = read(path, one(f"{ACCOUNT}, strategies: [{rows}]")).accounts[0].strategies

    assert (rsi.label, rsi.parameters) == ("rsi BTC/USD 1h", {})
    assert (cross.label, cross.parameters) == ("sma-cross BTC/USD 4h", {"fast": 5})


def test_accounts_are_chosen_by_id_in_file_order(path: Path) -> None:
    fleet = read(path, GOOD)

    assert [a.id for a in fleet.choose(["alice-2", "platform"])] == ["platform", "alice-2"]
    assert len(fleet.choose([])) == 3
    with pytest.raises(ConfigError, match=r"'bob' is not in .*fleet.yaml \(allowed: platform, alice-1, alice-2\)"):
        fleet.choose(["platform", "bob"])


def test_accounts_of_one_owner_are_siblings(path: Path) -> None:
    fleet = read(path, GOOD)

    assert [a.id for a in fleet.siblings(fleet.accounts[1])] == ["alice-2"]
    assert fleet.siblings(fleet.accounts[0]) == ()


# J2
@pytest.mark.parametrize(
    ("limits", "most"), [("", 90), ("limits: {max_positions_total: 15, block_above_fraction: 0.5}", 7)]
)
def test_the_fleet_as_a_whole_has_a_limit(path: Path, limits: str, most: int) -> None:
    assert read(path, one(more=f"{limits}\n")).limits.allows_entry_up_to == most


def test_a_user_on_a_venue_without_a_platform_account_is_a_warning(path: Path) -> None:
    (warning,) = read(path, GOOD).warnings

    assert warning.startswith("PLATFORM_NOT_CONFIGURED: user account 'alice-1' is on binance")


def test_users_without_a_platform_account_are_one_warning_however_many_they_are(path: Path) -> None:
    rows = ", ".join(f"{{id: u{n}, kind: user, venue: {'okx' if n else 'binance'}}}" for n in range(7))

    (warning,) = read(path, f"version: 1\naccounts: [{rows}]\n").warnings

    assert warning.startswith("PLATFORM_NOT_CONFIGURED: 7 user accounts are on venues where no platform account is")
    assert warning.endswith("'u0' on binance, 'u1' on okx, 'u2' on okx, 'u3' on okx, 'u4' on okx and 2 more")


@pytest.mark.parametrize(("hours", "warned"), [("24", True), ("null", False)])
def test_a_time_limit_that_sells_what_rebalancing_buys_is_a_warning(path: Path, hours: str, warned: bool) -> None:
    policies = f"policies: {{p: {{rebalance_apply: true, max_hold_hours: {hours}}}}}"
    held = "strategies: [{name: rsi, symbol: BTC/USD}]"
    rows = f"{{id: a, kind: platform, venue: kraken, quote: USD, policy: p, {held}}}"

    found = read(path, f"version: 1\n{policies}\naccounts: [{rows}]\n").warnings

    assert [warning.split(":")[0] for warning in found] == ["EXITS_UNDO_REBALANCING"] * warned


def test_a_restricted_symbol_is_one_of_some_account_under_the_policy(path: Path) -> None:
    policies = "policies: {p: {restricted_symbols: [AUT/USD, AUT/USDT]}, unused: {restricted_symbols: [AUT/EUR]}}\n"
    rows = "{id: a, kind: user, venue: kraken, policy: p}, {id: b, kind: user, venue: okx, quote: USDT, policy: p}"

    fleet = read(path, f"version: 1\n{policies}accounts: [{rows}]\n")

    assert fleet.policies["a"].restricted_symbols == ("AUT/USD", "AUT/USDT")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "", "Input should be a valid dictionary"),
        ("[]", "", "Input should be a valid dictionary"),
        ("version: [1\n", "line 2, column 1", "is not YAML"),
        ("version: 1\n\tx: 2\n", "line 2, column 1", "is not YAML"),
        ("version: 2\naccounts: []\n", "version", "2 is not allowed (allowed: 1)"),
        ("accounts: []\n", "version", "is missing"),
        ("version: 1\n", "accounts", "is missing"),
        ("version: 1\naccounts: []\n", "accounts", "List should have at least 1 item"),
        (
            one(more="acounts: []\n"),
            "acounts",
            "unknown key (allowed: accounts, history, limits, policies, version, watch)",
        ),
        (one("kind: user, venue: kraken"), "accounts[0].id", "is missing"),
        (one("id: 'a b', kind: user, venue: kraken"), "accounts[0].id", "String should match pattern"),
        (one("id: a, kind: owner, venue: kraken"), "accounts[0].kind", "'owner' is not allowed (allowed: 'platform'"),
        (one("id: a, kind: user, venue: Kraken"), "accounts[0].venue", "String should match pattern"),
        (one("id: a, kind: user, venue: kraken, quote: usd"), "accounts[0].quote", "String should match pattern"),
        (one("id: a, kind: user, venue: kraken, url: ftp://x"), "accounts[0].url", "URL scheme should be"),
        (
            one("id: a, kind: user, venue: kraken, secret: x"),
            "accounts[0].secret",
            "unknown key (allowed: allow_withdrawal_key, id, kind, owner,",
        ),
        (
            one("id: a, kind: user, venue: kraken, url: 'http://x', simulated: w.yaml"),
            "accounts[0]",
            "url and simulated exclude each other",
        ),
        (one(more="policies: {p: {max_position: 5}}\n"), "policies.p.max_position", "unknown key (allowed: allow_"),
        (
            one(more="policies: {p: {max_positions: 0}}\n"),
            "policies.p.max_positions",
            "greater than or equal to 1, found 0",
        ),
        (one(more="policies: {p: {max_positions: x}}\n"), "policies.p.max_positions", "found 'x'"),
        (one(more="policies: {p: {dust_threshold_usd: 9}}\n"), "policies.p", "expected dust_threshold_usd <="),
        (
            one(more="limits: {max_positions: 5}\n"),
            "limits.max_positions",
            "unknown key (allowed: block_above_fraction, max_positions_total)",
        ),
        (
            one(more="watch: {restart: [adopt]}\n"),
            "watch.restart[0]",
            "'adopt' is not allowed (allowed: 'cleanup_dust'",
        ),
        (one(more="watch: {silent: 3}\n"), "watch.silent", "unknown key (allowed: ignore, low_balance_warnings_a_day,"),
        (one(more="limits: {block_above_fraction: 90}\n"), "limits.block_above_fraction", "less than or equal to 1"),
        (one(more="policies: {p: null}\n"), "policies.p", "Input should be a valid dictionary"),
        *(
            (
                one(more=f"policies: {{p: {{restricted_symbols: [BTC/USD, '{symbol}']}}}}\n"),
                "policies.p.restricted_symbols[1]",
                f"expected upper case BASE/QUOTE, as in AUT/USD, found '{symbol}'",
            )
            for symbol in ("aut/usd", "AUT/usd", "AUT", "AUTUSD", "AUT/USD:USD", "AUT/", "A UT/USD")
        ),
        (
            one("id: a, kind: user, venue: kraken, policy: p", "policies: {p: {restricted_symbols: [AUT/USDT]}}\n"),
            "policies.p.restricted_symbols[0]",
            "'AUT/USDT' is no market of an account under this policy (allowed: BASE/USD)",
        ),
        (
            one("id: a, kind: user, venue: kraken, policy: q", "policies: {p: {}}\n"),
            "accounts[0].policy",
            "unknown policy 'q' (allowed: p)",
        ),
        (one("id: a, kind: user, venue: kraken, policy: q"), "accounts[0].policy", "(allowed: none defined)"),
        (
            "version: 1\naccounts: [{id: a-b, kind: user, venue: kraken}, {id: A_B, kind: user, venue: kraken}]\n",
            "accounts[1].id",
            "'A_B' and 'a-b' would read the same credentials",
        ),
        *(
            (one(f"{ACCOUNT}, strategies: [{rows}]"), f"accounts[0].strategies{place}", words)
            for rows, place, words in (
                ("{name: rsi}", "[0].symbol", "is missing"),
                ("{name: rsi, symbol: btc/usd}", "[0].symbol", "expected upper case BASE/QUOTE"),
                ("{name: rsi, symbol: BTC/EUR}", "[0].symbol", "'BTC/EUR' is no market of a (allowed: BASE/USD)"),
                ("{name: rsi, symbol: BTC/USD, timeframe: hour}", "[0].timeframe", "String should match pattern"),
                (
                    "{name: rsi, symbol: BTC/USD, weight: 1}",
                    "[0].weight",
                    "unknown key (allowed: name, parameters, symbol, timeframe)",
                ),
                (
                    "{name: rsi, symbol: BTC/USD}, {name: rsi, symbol: BTC/USD, parameters: {period: 7}}",
                    "[1]",
                    "rsi BTC/USD 1h is in strategies[0] already",
                ),
            )
        ),
    ],
)
def test_a_fault_names_file_place_and_what_is_allowed(path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(path, text)

    assert caught.value.where == (f"{path}: {place}" if place else str(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_where_one_is_looked_for(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such fleet file \(allowed: --fleet PATH, NIJA_FLEET, or ./fleet.yaml"):
        load_fleet(path, {})


def test_a_file_that_is_no_text_or_no_file_says_so(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_fleet(path, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_fleet(path.parent, {})


@pytest.mark.parametrize(
    ("defaults", "where", "words"),
    [
        ({"max_positions": "abc"}, "environment MAX_POSITIONS_ALLOWED", "found 'abc'"),
        ({"dust_cleanup_dry_run": "perhaps"}, "environment DUST_CLEANUP_DRY_RUN", "found 'perhaps'"),
        ({"dust_threshold_usd": "20"}, "environment", "found 20, 7.50, 10.00"),
    ],
)
def test_a_wrong_value_of_the_environment_is_not_blamed_on_the_file(
    path: Path, defaults: dict[str, str], where: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(path, one(), **defaults)

    assert caught.value.where == where
    assert words in str(caught.value)


def test_the_schema_spells_policies_out() -> None:
    schema = fleet_schema()

    assert schema["properties"]["policies"]["additionalProperties"] == {"$ref": "#/$defs/Policy"}
    assert set(schema["$defs"]["Policy"]["properties"]) == set(Policy.model_fields)
    assert "required" not in schema["$defs"]["Policy"]
