"""`nija frozen`, `nija blacklist` and `nija decisions`: what a person decides about one symbol, and who did."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from models.errors import ConfigError, NijaError
from models.freeze import Freeze
from models.reasons import FreezeCause, FreezeState, HaltCause, Mode
from models.store.engine import Store
from models.store.freezes import Changes, judge_freezes
from models.store.halts import halt
from tests.builders import NOW

WHY = ("--reason", "[/bold] under investigation")  # what a person writes is no markup


class Desk:
    """An operator's folder with a fleet of two, and its commands in this process."""

    def __init__(self, folder: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store_url = store_url
        fleet = folder / "fleet.yaml"
        rows = [{"id": name, "kind": "platform", "venue": "kraken", "quote": "USD"} for name in ("alice", "bob")]
        fleet.write_text(yaml.safe_dump({"version": 1, "accounts": rows}))
        monkeypatch.setenv("NIJA_HOME", str(folder / "home"))
        monkeypatch.setenv("NIJA_FLEET", str(fleet))
        monkeypatch.setenv("NIJA_DATABASE_URL", store_url)

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(app, arguments, standalone_mode=False)
        if isinstance(result.exception, NijaError):
            raise result.exception
        assert result.exception is None, result.exception
        return result

    def by_hand(self, *command: str, account: str = "alice", symbol: str = "AUT/USD") -> str:
        return self(*command, "--account", account, "--symbol", symbol, *WHY).stdout

    def listed(self, what: str, *more: str) -> list[dict[str, Any]]:
        rows, *_ = json.loads(self(what, "list", "--json", *more).stdout).values()
        return list(rows)

    def freezes(self, *freezes: Freeze) -> None:
        """Put freezes of alice's there, as runs would."""

        def judge(_known: Mapping[str, Freeze]) -> Changes:
            return {freeze.symbol: freeze for freeze in freezes}

        async def run() -> None:
            async with await Store.open(self.store_url) as store:
                await judge_freezes(store, "alice", judge, mode=Mode.LIVE, policy_version="p", now=NOW)

        asyncio.run(run())

    def halts(self, account: str) -> None:
        async def run() -> None:
            async with await Store.open(self.store_url) as store:
                await halt(
                    store,
                    account,
                    mode=Mode.LIVE,
                    policy_version="p",
                    run_id="r",
                    cause=HaltCause.CAP_NOT_REACHED,
                    detail="3 over",
                    clears_when="it holds",
                    now=NOW,
                )

        asyncio.run(run())


@pytest.fixture
def desk(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, sqlite_url, monkeypatch)


def test_a_symbol_is_frozen_and_unfrozen_by_hand(desk: Desk) -> None:
    desk.by_hand("frozen", "freeze")
    (listed,) = desk.listed("frozen")
    desk.by_hand("frozen", "unfreeze")

    assert (listed["account"], listed["symbol"], listed["state"], listed["cause"]) == (
        "alice",
        "AUT/USD",
        "review",
        "by_hand",
    )
    assert desk.listed("frozen") == []
    with pytest.raises(ConfigError, match="is not frozen"):
        desk.by_hand("frozen", "unfreeze")


def test_the_manual_review_queue_comes_first_and_every_row_says_what_ends_it(desk: Desk) -> None:
    thaws = NOW + timedelta(hours=24)
    desk.freezes(
        Freeze("alice", "AAA/USD", FreezeState.COUNTING, FreezeCause.STALE, 2, NOW),
        Freeze("alice", "BBB/USD", FreezeState.FROZEN, FreezeCause.NO_TICKER, 3, NOW, thaws),
        Freeze("alice", "CCC/USD", FreezeState.REVIEW, FreezeCause.NO_MARKET, 4, NOW),
    )

    rows = desk.listed("frozen", "--account", "alice")
    shown = desk("frozen", "list").stdout

    assert [(r["symbol"], r["failures"], r["thaws_at"] is None, r["clears_when"] is None) for r in rows] == [
        ("CCC/USD", 4, True, False),
        ("BBB/USD", 3, False, False),
        ("AAA/USD", 2, True, True),
    ]
    assert shown.index("manual review") < shown.index(f"{thaws:%Y-%m-%d %H:%M:%S}") < shown.index("counting")


# A1
def test_two_added_one_removed_the_other_stays(desk: Desk) -> None:
    for symbol in ("DUST/USD", "TINY/USD", "TINY/USD"):
        desk.by_hand("blacklist", "add", symbol=symbol)
    added = [(row["symbol"], row["by_hand"], row["value_usd"]) for row in desk.listed("blacklist")]

    desk.by_hand("blacklist", "remove", symbol="TINY/USD")

    assert added == [("DUST/USD", True, None), ("TINY/USD", True, None)]
    assert [row["symbol"] for row in desk.listed("blacklist", "--account", "alice")] == ["DUST/USD"]
    assert "by hand" in desk("blacklist", "list").stdout
    with pytest.raises(ConfigError, match="is not on the blacklist"):
        desk.by_hand("blacklist", "remove", symbol="TINY/USD")


def test_a_blacklist_is_cleared_for_one_account_and_not_without_being_asked_to(desk: Desk) -> None:
    for account in ("alice", "bob"):
        desk.by_hand("blacklist", "add", account=account)
    clear = ("blacklist", "clear", "--account", "alice", *WHY)

    with pytest.raises(ConfigError, match="--yes"):
        desk(*clear)
    desk(*clear, "--yes")

    assert [row["account"] for row in desk.listed("blacklist")] == ["bob"]
    with pytest.raises(ConfigError, match="nothing is on the blacklist"):
        desk(*clear, "--yes")


def test_every_decision_is_kept_with_who_and_why(desk: Desk) -> None:
    desk.halts("alice")
    desk("halts", "resume", "--account", "alice", *WHY)
    desk("forget", "--account", "alice", *WHY)
    for command in ("freeze", "unfreeze"):
        desk.by_hand("frozen", command)
    for command in ("add", "remove"):
        desk.by_hand("blacklist", command)
    desk.by_hand("frozen", "freeze", account="bob")

    rows = desk.listed("decisions", "--account", "alice")

    assert [row["decision"] for row in reversed(rows)] == [
        "lift 1 halts",
        "forget 0 tracked positions",
        "freeze AUT/USD",
        "unfreeze AUT/USD",
        "put AUT/USD on the blacklist",
        "take AUT/USD off the blacklist",
    ]
    assert {row["reason"] for row in rows} == {WHY[1]}
    assert all(row["by"] and row["at"] for row in rows)
    assert WHY[1] in desk("decisions", "list", "--limit", "1").stdout


@pytest.mark.parametrize(
    ("command", "symbol", "says"),
    [
        ("freeze", "AUT", "is no symbol of 'alice'"),
        ("freeze", "AUT/USDT", "trades in USD"),
        ("freeze", "/USD", "is no symbol"),
        ("freeze", "aut/USD", "AUT/USD"),
    ],
)
def test_a_symbol_that_would_match_nothing_is_refused(desk: Desk, command: str, symbol: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        desk.by_hand("frozen", command, symbol=symbol)

    assert desk.listed("frozen") == []


@pytest.mark.parametrize("what", ["frozen", "blacklist", "decisions"])
def test_an_account_nothing_is_known_of_is_a_mistake_and_no_empty_list(desk: Desk, what: str) -> None:
    assert desk.listed(what, "--account", "bob") == []
    with pytest.raises(ConfigError, match="'carol' is not in"):
        desk(what, "list", "--account", "carol")
