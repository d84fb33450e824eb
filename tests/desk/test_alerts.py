"""Alerts over the desk: taken note of, made, switched, tried, deleted; and who did it."""

import pytest

from desk.actions.alerts import NewAlert, create
from models.alert import OperationalAlert, Severity
from models.errors import NotAllowed
from models.people import Role
from models.store.alerts import raise_alerts
from models.store.decisions import decisions
from tests.builders import NOW
from tests.desk.office import Office

PRICE = {"kind": "price", "side": "above", "threshold": "100000", "venue": "kraken", "symbol": "BTC/USD"}


async def test_an_alert_that_stands_is_acknowledged_once_with_who_and_why(office: Office) -> None:
    raised = [OperationalAlert("LOW_BALANCE", "49.20 USD are left", Severity.WARNING, "alice")]
    await raise_alerts(office.desk.store, raised, now=NOW)
    (standing,) = (await office.viewer.get("/api/alerts/operational")).json()["items"]
    at = f"/api/alerts/operational/{standing['alert_id']}/acknowledge"

    refused = await office.viewer.post(at, json={"reason": "I know"})
    done = await office.operator.post(at, json={"reason": "I know"})
    again = await office.operator.post(at, json={"reason": "so do I"})

    assert (refused.status_code, done.status_code, again.status_code) == (403, 200, 404)
    assert (done.json()["acknowledged_by"], again.json()["code"]) == ("operator", "NOT_FOUND")
    (deed,) = await office.deeds()
    assert (deed.who, deed.action, deed.reason) == ("operator", "alert.acknowledge", "I know")
    (decision,) = await decisions(office.desk.store)
    assert (decision.by, decision.reason) == ("operator", "I know")


async def test_an_alert_of_ones_own_is_made_switched_tried_and_deleted(office: Office) -> None:
    made = (await office.operator.post("/api/alerts/create", json=PRICE)).json()
    at = f"/api/alerts/{made['alert_id']}"

    off = (await office.operator.post(f"{at}/toggle")).json()
    still_off = (await office.operator.post(f"{at}/toggle", json={"enabled": False})).json()
    sample = (await office.operator.post(f"{at}/test")).json()
    listed = (await office.viewer.get("/api/alerts/list")).json()
    deleted = await office.operator.post(f"{at}/delete")

    assert (made["condition"], made["enabled"], made["created_by"]) == (
        "BTC/USD at kraken above 100000",
        True,
        "operator",
    )
    assert (off["enabled"], still_off["enabled"]) == (False, False)
    assert sample == {"sent": []}  # no channel is set up
    assert (listed["total"], listed["items"]) == (1, [off])
    assert (deleted.status_code, (await office.viewer.get("/api/alerts/list")).json()["items"]) == (200, [])
    deeds = [(deed.action, deed.before, deed.after) for deed in await office.deeds()]
    assert [action for action, _, _ in deeds] == ["alert.create", "alert.disable", "alert.test", "alert.delete"]
    assert deeds[1][1:] == ({"enabled": True}, {"enabled": False})
    assert deeds[3][1] == deeds[0][2]  # what was made is what was deleted


async def test_what_would_never_say_a_thing_is_refused_and_says_which_value_is_wrong(office: Office) -> None:
    wrong = {
        "venue": PRICE | {"venue": "binance"},
        "symbol": PRICE | {"symbol": "btc/usd"},
        "account": {"kind": "portfolio", "metric": "equity", "side": "below", "threshold": "1", "account": "carol"},
        "metric": {"kind": "portfolio", "side": "below", "threshold": "1"},
        "alert": PRICE | {"account": "alice"},  # where the price is read is said twice
        "body.threshold": PRICE | {"threshold": "NaN"},
    }

    for where, body in wrong.items():
        answer = await office.operator.post("/api/alerts/create", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), where
        assert where in answer.json()["detail"]
    assert await office.deeds() == []


async def test_a_filtered_list_goes_to_a_file_as_it_is_shown(office: Office) -> None:
    for symbol in ("BTC/USD", "ETH/USD", "SOL/USD"):
        await office.operator.post(
            "/api/alerts/create", json=PRICE | {"symbol": symbol, "note": f"=HYPERLINK({symbol})"}
        )

    answer = await office.viewer.get("/api/alerts/list/export?q=usd kraken&sort=condition&descending=true")
    nobody = await office.clients[None].get("/api/alerts/list/export")

    heading, *lines = answer.text.splitlines()
    assert heading.split(",")[:2] == ["No.", "Condition"]
    assert [line.split(",")[1] for line in lines] == [f"{s}/USD at kraken above 100000" for s in ("SOL", "ETH", "BTC")]
    assert all(",'=HYPERLINK(" in line for line in lines)
    assert answer.headers["content-disposition"] == 'attachment; filename="nija-my-alerts.csv"'
    assert nobody.status_code == 401


async def test_who_lost_the_right_to_act_cannot_act_through_an_open_page(office: Office) -> None:
    with pytest.raises(NotAllowed):
        await create(office.desk, await office.who(Role.VIEWER), NewAlert.model_validate(PRICE))

    assert (await office.viewer.get("/api/alerts/list")).json()["items"] == []
