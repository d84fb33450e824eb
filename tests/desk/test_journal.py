"""The trade journal over the desk: tied to orders of the ledger, edited by one person at a time."""

from pathlib import Path
from typing import Any

from brokers.ledger import Ledger
from models.store.leases import Holder, hold
from tests.builders import NOW, an_intent
from tests.desk.office import Office

ORDER = "a1" * 16
SAID = {"entry_reason": "breakout", "confidence": 8}


async def saves(office: Office, **said: Any) -> tuple[int, dict[str, Any]]:
    answer = await office.operator.post("/api/trade_journal/save", json=said)
    return answer.status_code, answer.json()


async def sold(office: Office, tmp_path: Path) -> None:
    """Have an order of alice's in the ledger."""
    store = office.desk.store
    with Holder(tmp_path) as holder:
        async with hold(store, "alice", holder) as lease:
            intent = an_intent("BTC/USD", client_order_id=ORDER, account="alice")
            await Ledger(store).commit(lease, [intent], NOW)


async def test_an_entry_takes_account_and_symbol_from_the_order_it_is_about(office: Office, tmp_path: Path) -> None:
    await sold(office, tmp_path)

    code, entry = await saves(office, **SAID, exit_order=ORDER[:8])
    _, other = await saves(office, **SAID, exit_order="b" * 32)
    _, contradicts = await saves(office, **SAID, exit_order=ORDER, symbol="ETH/USD")

    assert (code, entry["exit_order"], entry["account"], entry["symbol"]) == (200, ORDER, "alice", "BTC/USD")
    assert other["detail"].startswith("exit_order: ")
    assert "BTC/USD" in contradicts["detail"]
    found = (await office.viewer.get("/api/trade_journal/list", params={"order": ORDER})).json()
    assert found["items"] == [entry]


async def test_the_second_of_two_editors_is_told_who_was_faster(office: Office) -> None:
    _, entry = await saves(office, **SAID)
    mine = SAID | {"entry_id": entry["entry_id"], "version": entry["version"]}

    first, edited = await saves(office, **mine, lessons="wait for the close", rating=4)
    second, refused = await saves(office, **mine, lessons="never again")
    nameless, without = await saves(office, **SAID, entry_id=entry["entry_id"])

    assert (first, second, nameless) == (200, 409, 422)
    assert (refused["code"], without["detail"].split(":")[0]) == ("EDITED_MEANWHILE", "version")
    assert (await office.viewer.get("/api/trade_journal/list")).json()["items"] == [edited]
    write, edit = await office.deeds()
    assert (write.action, edit.action) == ("journal.write", "journal.edit")
    assert edit.before is not None
    assert edit.after is not None
    assert (edit.before["lessons"], edit.after["lessons"], edit.after["rating"]) == ("", "wait for the close", 4)


async def test_entries_are_narrowed_paged_exported_and_deleted(office: Office) -> None:
    for number in range(3):
        await saves(office, **SAID, symbol=f"C{number}/USD", rating=number + 1, lessons="" if number else "wait")

    good = (await office.viewer.get("/api/trade_journal/list?least_rating=2&limit=1&offset=1")).json()
    file = await office.viewer.get("/api/trade_journal/list/export?unfinished=true&sort=symbol")
    newest = (await office.viewer.get("/api/trade_journal/list?words=c2")).json()["items"][0]
    named = {"entry_id": newest["entry_id"], "version": newest["version"]}
    viewer = await office.viewer.post("/api/trade_journal/delete", json=named)
    deleted = await office.operator.post("/api/trade_journal/delete", json=named)

    assert (good["total"], [entry["symbol"] for entry in good["items"]]) == (2, ["C1/USD"])
    assert [line.split(",")[2] for line in file.text.splitlines()[1:]] == ["C1/USD", "C2/USD"]
    assert (viewer.status_code, deleted.status_code) == (403, 200)
    assert (await office.viewer.get("/api/trade_journal/list")).json()["total"] == 2


async def test_what_says_nothing_or_too_much_is_no_entry(office: Office) -> None:
    wrong: list[dict[str, Any]] = [{}, SAID | {"confidence": 11}, SAID | {"rating": 0}, SAID | {"lessons": "\x00"}]
    wrong += [SAID | {"symbol": "B\nTC"}, SAID | {"entry_reason": "x" * 10_001}, SAID | {"nobody": "knows"}]

    assert [(await saves(office, **said))[0] for said in wrong] == [422] * len(wrong)
    assert (await saves(office, **SAID | {"lessons": "two\r\nlines"}))[1]["lessons"] == "two\nlines"
