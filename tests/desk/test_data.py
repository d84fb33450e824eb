"""What is stored of history, over the desk: coverage, gaps, what was rejected, and what a person decides about it."""

from models.history import Fetched, Judged, Rejected, Span, Why
from models.store.candles import candles, keep_batch
from tests.desk.office import Office
from tests.models.store.history import BITCOIN, HOUR, a_walk


async def test_coverage_gaps_and_quarantine_are_told_and_a_released_row_closes_its_gap(office: Office) -> None:
    end = int(office.desk.clock.now().timestamp()) // HOUR * HOUR
    walk = a_walk(48, end=end)
    lost, broken = walk.iloc[10], walk.iloc[20]
    there = walk.drop(index=[10, 20])
    bad = (
        Rejected({name: float(lost[name]) for name in walk.columns} | {"time": int(lost["time"])}, (Why.NOT_A_NUMBER,)),
        Rejected({"time": int(broken["time"]), "close": "many"}, (Why.NOT_A_NUMBER,)),
    )
    span = Span(int(walk["time"].min()), end)
    fetched = Fetched(BITCOIN, span, there, "test", office.desk.clock.now())
    await keep_batch(office.desk.store, BITCOIN, fetched, Judged(there, bad))

    (series,) = (await office.viewer.get("/api/data/coverage")).json()["items"]
    gaps = (await office.viewer.get("/api/data/gaps")).json()["items"]
    rows = (await office.viewer.get("/api/data/quarantine")).json()["items"]
    named = {"rows": sorted(row["row_id"] for row in rows), "reason": "two other venues show it"}
    refused = await office.viewer.post("/api/data/quarantine/release", json=named)
    decided = (await office.operator.post("/api/data/quarantine/release", json=named)).json()

    assert (series["expected"], series["there"], sum(day["there"] for day in series["days"])) == (48, 46, 46)
    assert [gap["candles"] for gap in gaps] == [1, 1]
    assert refused.status_code == 403
    released, left = named["rows"]
    assert (decided["done"], [one["row_id"] for one in decided["left"]]) == ([released], [left])
    assert len(await candles(office.desk.store, BITCOIN, span)) == 47
    assert len((await office.viewer.get("/api/data/gaps")).json()["items"]) == 1
    (deed,) = await office.deeds()
    assert (deed.action, deed.subject, deed.reason) == ("history.release", f"history row {released}", named["reason"])
    file = (await office.viewer.get("/api/data/coverage/export")).text
    assert [line.split(",")[4] for line in file.splitlines()] == ["There", "47"]


async def test_a_desk_without_history_says_so_and_does_not_fail(office: Office) -> None:
    audit = (await office.viewer.get("/api/data/audit")).json()

    assert (audit["finished_at"], audit["lines"]) == (None, [])
    for noun in ("coverage", "gaps", "quarantine"):
        assert (await office.viewer.get(f"/api/data/{noun}")).json()["items"] == []
