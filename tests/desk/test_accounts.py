"""The fleet and one account through the API, over a venue that answers: seen, planned, stopped, asked for an entry."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from brokers.simulator.handle import RunningVenue
from brokers.simulator.world import World
from desk.app import open_desk
from desk.people.secrets import hashed
from models.people import Permit
from models.reasons import HaltCause, Mode
from models.settings import DeskSettings, Settings
from models.store.decisions import decisions
from models.store.halts import halt
from models.store.tokens import add_token
from tasks.runtime import read_fleet
from tests.desk.hands import Hands
from tests.desk.office import MAKER, Office, open_office

pytestmark = pytest.mark.wire

POLICY = {"max_positions": 2, "settle_seconds": 0, "risk_max_position_usd": None, "risk_max_positions": None}
WORLD = {
    "venue": "kraken",
    "markets": [
        {"symbol": "BTC/USD", "price": "50000"},
        {"symbol": "ETH/USD", "price": "2500"},
        {"symbol": "SOL/USD", "price": "100"},
        {"symbol": "AUT/USD"},
    ],
    "accounts": {"alice": {"balances": {"USD": "1000", "BTC": "0.02", "ETH": "0.2", "SOL": "1.5", "AUT": "5"}}},
}


@pytest.fixture
def kraken() -> Iterator[RunningVenue]:
    with RunningVenue(World.model_validate(WORLD)) as venue:
        yield venue


@pytest.fixture
async def office(
    kraken: RunningVenue, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    row = {"id": "alice", "kind": "platform", "venue": "kraken", "policy": "all", "url": kraken.url}
    file = tmp_path / "fleet.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "policies": {"all": POLICY}, "accounts": [row]}))
    for part, value in zip(("KEY", "SECRET"), kraken.credentials("alice"), strict=False):
        monkeypatch.setenv(f"NIJA_ALICE_API_{part}", str(value))
    settings = Settings(home=tmp_path / "home", fleet=file, database_url=sqlite_url, limits_factor=1000)
    async with AsyncExitStack() as stack:
        opened = open_desk(settings, read_fleet(settings, None), DeskSettings(), Hands())
        yield await open_office(await stack.enter_async_context(opened), stack)


async def planned(office: Office) -> dict[str, Any]:
    plan: dict[str, Any] = (await office.operator.post("/api/accounts/alice/plan")).json()
    return plan


async def test_a_plan_is_shown_and_the_account_with_what_it_read(office: Office, kraken: RunningVenue) -> None:
    plan = await planned(office)
    seen = (await office.viewer.get("/api/accounts/alice")).json()
    fleet = (await office.viewer.get("/api/fleet")).json()
    equity = (await office.viewer.get("/api/accounts/alice/equity")).json()
    listed = (await office.viewer.get("/api/accounts", params={"concern": "over_cap"})).json()
    none = (await office.viewer.get("/api/accounts", params={"concern": "halted"})).json()

    trimmed = [("trim_cap", "SOL/USD"), ("trim_cap", "ETH/USD")]  # what has no price takes a slot, and stays
    assert [(a["kind"], a["symbol"]) for a in plan["actions"]] == trimmed
    assert kraken.orders("alice") == []
    assert [(p["symbol"], p["value_quote"], p["takes_slot"]) for p in seen["positions"]] == [
        ("BTC/USD", "1000.00", True),
        ("ETH/USD", "500.00", True),
        ("SOL/USD", "150.00", True),
        ("AUT/USD", None, True),
    ]
    assert (seen["account"]["positions"], seen["account"]["concerns"]) == (4, ["over_cap", "unvalued"])
    assert (fleet["positions"], fleet["with_concerns"]) == (4, 1)
    assert [(point["cash"], point["equity"]) for point in equity] == [("1000.00", "2650.00")]
    assert ([one["account"] for one in listed["items"]], none["total"]) == (["alice"], 0)


async def test_only_the_newest_plan_that_is_still_good_is_applied_and_never_without_a_server(office: Office) -> None:
    plan = await planned(office)
    wanted = {"plan_hash": plan["plan_hash"], "reason": "looked at it"}
    other = await office.operator.post("/api/accounts/alice/normalise", json=wanted | {"plan_hash": "0" * 32})
    no_server = await office.operator.post("/api/accounts/alice/normalise", json=wanted)
    clock = office.desk.clock
    assert isinstance(clock, Hands)
    clock.turns(hours=1)
    late = await office.operator.post("/api/accounts/alice/normalise", json=wanted)

    assert (other.status_code, other.json()["code"]) == (409, "CHANGED")
    assert (late.status_code, late.json()["code"]) == (409, "PLAN_EXPIRED")
    assert (no_server.status_code, "nija up" in no_server.json()["detail"]) == (422, True)
    assert await office.deeds() == []
    assert await decisions(office.desk.store) == ()


async def test_what_stops_an_account_is_seen_and_lifted_with_a_reason(office: Office) -> None:
    store, now = office.desk.store, office.desk.clock.now()
    said = {"cause": HaltCause.CAP_NOT_REACHED, "detail": "2 over", "clears_when": "within the cap", "now": now}
    await halt(store, "alice", mode=Mode.LIVE, policy_version="p", run_id="r", **said)  # type: ignore[arg-type]
    act, why = office.operator.post, {"reason": "sold by hand"}

    halted = (await office.viewer.get("/api/accounts/alice")).json()
    resumed = [await act("/api/accounts/alice/resume", json=why) for _ in range(2)]
    symbol = {"symbol": "ETH/USD", **why}
    done = [
        (await act(f"/api/accounts/alice/{word}", json=symbol)).status_code
        for word in ("freeze", "freeze", "blacklist", "unfreeze", "unfreeze", "unblacklist")
    ]
    wrong = await act("/api/accounts/alice/freeze", json=symbol | {"symbol": "ETH/USDT"})

    assert [one["cause"] for one in halted["halts"]] == ["CAP_NOT_REACHED"]
    assert "halted" in halted["account"]["concerns"]
    assert [one.status_code for one in resumed] == [200, 404]
    assert done == [200, 422, 200, 200, 404, 200]
    assert wrong.status_code == 422
    deeds = await office.deeds()
    assert [(d.action, d.subject, d.who, d.reason) for d in deeds] == [
        ("account.resume", "account alice", "operator", "sold by hand"),
        *((action, "alice ETH/USD", "operator", "sold by hand") for action in ACTIONS),
    ]
    assert (deeds[0].before, deeds[0].after) == ({"halts": ["CAP_NOT_REACHED: 2 over"]}, {"halts": []})


ACTIONS = ("symbol.freeze", "blacklist.add", "symbol.unfreeze", "blacklist.remove")


async def test_a_bot_asks_before_it_trades_with_a_token_for_that_alone(office: Office) -> None:
    store, now = office.desk.store, office.desk.clock.now()
    row = {"name": "bot", "person": "operator", "permits": {Permit.ENTRY_CHECK}, "by": MAKER, "now": now}
    await add_token(store, hashed("t-bot"), expires_at=now + timedelta(days=1), **row)  # type: ignore[arg-type]
    bot, headers = office.clients[None], {"Authorization": "Bearer t-bot"}
    wish = {"account": "alice", "symbol": "ETH/USD", "usd": "20"}

    full = await bot.post("/api/entry-check", json=wish, headers=headers)
    unknown = await bot.post("/api/entry-check", json=wish | {"account": "nobody"}, headers=headers)
    elsewhere = await bot.get("/api/fleet", headers=headers)

    assert full.status_code == 200
    assert (full.json()["allowed"], full.json()["exits_allowed"]) == (False, True)
    assert full.json()["reasons"] == ["unvalued_holding"]
    assert (unknown.status_code, elsewhere.status_code) == (404, 403)
