"""What the desk stands on: breakers that are reset by hand, pipelines that are late, and what was verified."""

from datetime import timedelta

from models.breaker import Breaker, BreakerKey, CircuitState, Direction
from models.reasons import Verdict
from models.store.breakers import change, look
from models.store.heartbeats import beat
from models.store.verifications import save_verification
from models.verification import CheckResult, Part, verification_report
from tests.desk.office import Office

KEY = BreakerKey("kraken", "", "alice", Direction.READ)


async def test_an_open_breaker_is_reset_by_an_operator_and_by_nobody_without_a_reason(office: Office) -> None:
    def opens(_before: Breaker | None, now: float) -> tuple[Breaker, None]:
        return Breaker(CircuitState.OPEN, now, failures=5, openings=1, recovery_seconds=60), None

    await change(office.desk.store, KEY, opens)
    wanted = {"venue": "kraken", "account": "alice", "direction": "read", "reason": "their page says it is over"}
    (before,) = (await office.viewer.get("/api/system/breakers")).json()["items"]

    answers = [
        await office.viewer.post("/api/system/breakers/reset", json=wanted),
        await office.operator.post("/api/system/breakers/reset", json=wanted | {"reason": " "}),
        await office.operator.post("/api/system/breakers/reset", json=wanted | {"venue": "binance"}),
        await office.operator.post("/api/system/breakers/reset", json=wanted),
        await office.operator.post("/api/system/breakers/reset", json=wanted),
    ]

    assert before["health"] == "offline"
    assert [answer.status_code for answer in answers] == [403, 422, 404, 200, 404]
    assert answers[3].json() == {"closed": 1}
    found, _ = await look(office.desk.store, KEY)
    assert found is not None
    assert found.state is CircuitState.CLOSED
    assert [deed.action for deed in await office.deeds()] == ["breaker.reset"]


async def test_a_pipeline_that_was_expected_before_now_is_late(office: Office) -> None:
    now = office.desk.clock.now()
    await beat(office.desk.store, "watch", {"*": "ok"}, now=now - timedelta(hours=9), every=timedelta(minutes=5))
    await beat(office.desk.store, "normalize", {"*": "ok"}, now=now - timedelta(days=9))

    found = (await office.viewer.get("/api/system/heartbeats")).json()["items"]

    assert {one["pipeline"]: one["late"] for one in found} == {"watch": True, "normalize": False}


async def test_verifications_are_told_with_what_failed_and_each_of_them_whole(office: Office) -> None:
    now = office.desk.clock.now()
    none = await office.viewer.get("/api/verifications/latest")
    for number, verdict in enumerate((Verdict.OK, Verdict.FAIL)):
        at = now - timedelta(weeks=1 - number)
        checks = [CheckResult(part=Part.STORE, name="adds_up", verdict=verdict, found="so it is", seconds=0.1)]
        await save_verification(office.desk.store, verification_report(f"run-{number}", at, at, checks))

    kept = (await office.viewer.get("/api/verifications")).json()["items"]
    latest = (await office.viewer.get("/api/verifications/latest")).json()
    older = (await office.viewer.get("/api/verifications/run-0")).json()
    unknown = await office.viewer.get("/api/verifications/run-7")

    assert (none.status_code, unknown.status_code) == (404, 404)
    assert [(one["run_id"], one["pass_rate"], len(one["failed_checks"])) for one in kept] == [
        ("run-1", 0.0, 1),
        ("run-0", 1.0, 0),
    ]
    assert (latest["run_id"], older["checks"][0]["verdict"]) == ("run-1", "ok")


async def test_the_versions_that_run_are_told(office: Office) -> None:
    told = (await office.viewer.get("/api/system/versions")).json()

    assert told["store"] in {"SQLite", "PostgreSQL"}
    assert told["packages"].keys() >= {"nija", "prefect", "ccxt"}
