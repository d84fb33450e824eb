"""What people do about alerts: take note of one, make one, switch it, try it, delete it."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from desk.actions.deeds import given, noted
from desk.desk import Desk
from desk.views import alerts as views
from flows.user_alerts import alert_of, check_in_fleet, check_symbol, send_alert_sample
from models.alert import FLEET, Severity
from models.alert_report import SentList, UserAlertReport
from models.amounts import plain
from models.errors import ConfigError, NotFound
from models.journal import one_line
from models.people import Permit, Role, Who
from models.settings import master_key_settings
from models.store.alerts import acknowledge as keep_acknowledged
from models.store.alerts import alert
from models.store.desk_audit import Deed, note, note_alone
from models.store.user_alerts import create_alert, delete_alert, set_enabled, user_alert
from models.user_alert import MAX_AGE, METRICS, Alert, AlertKind, KeptAlert, Metric, Side
from models.watch_report import AlertReport, alert_report

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(one_line)]
Amount = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=40, decimal_places=20)]


class NewAlert(BaseModel):
    """An alert to be made. What `kind` has no use for stays empty.

    `account` "*": the whole fleet, of a portfolio; of a price, either an account or a venue says where. Fractions are
    written as such: 0.05 is 5 %. `max_age_minutes` None: as old as the kind allows.
    """

    model_config = ConfigDict(extra="forbid")

    kind: AlertKind
    side: Side
    threshold: Amount
    metric: Metric | None = None
    account: Short = FLEET
    venue: Short = ""
    symbol: Short = ""
    strategy: Short = ""
    hysteresis_fraction: Annotated[Decimal, Field(ge=0, lt=1, allow_inf_nan=False)] = Decimal(0)
    max_age_minutes: Annotated[float, Field(gt=0, le=525_600, allow_inf_nan=False)] | None = None
    severity: Severity = Severity.WARNING
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(one_line)] = ""


async def acknowledge(desk: Desk, who: Who, alert_id: int, reason: str) -> AlertReport:
    """Note that somebody knows of an alert; it stands until what it says is over.

    Raises: AccessRefused, ConfigError without a reason, NotFound where none stands unacknowledged, StoreError.
    """
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    why, now = given(reason), desk.clock.now()
    deed = Deed("alert.acknowledge", f"alert {alert_id}", {}, {"acknowledged_by": who.words}, why)
    also = noted(desk, who, deed)
    if not await keep_acknowledged(desk.store, alert_id, by=who.words, reason=why, now=now, also=also):
        raise NotFound("standing alert that nobody has acknowledged", str(alert_id))
    desk.live.tell({"operational_alerts"})
    return await _standing(desk, alert_id)


async def create(desk: Desk, who: Who, new: NewAlert) -> UserAlertReport:
    """Make an alert, enabled. Raises: AccessRefused, ConfigError naming what is wrong, StoreError."""
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    made, now = _alert(desk, new), desk.clock.now()

    def also(connection: Connection, alert_id: int) -> None:
        note(connection, who, Deed("alert.create", _subject(alert_id), None, _shown(made)), now)

    alert_id = await create_alert(desk.store, made, by=who.words, now=now, also=also)
    desk.live.tell({"user_alerts"})
    return await views.one_of_mine(desk, alert_id)


async def switch(desk: Desk, who: Who, alert_id: int, *, enabled: bool | None = None) -> UserAlertReport:
    """Switch an alert on or off; None: the other way than it is. Raises: AccessRefused, NotFound, StoreError."""
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    before = await _kept(desk, alert_id)
    wanted = not before.enabled if enabled is None else enabled
    words = "alert.enable" if wanted else "alert.disable"
    deed = Deed(words, _subject(alert_id), {"enabled": not wanted}, {"enabled": wanted})
    if not await set_enabled(desk.store, alert_id, enabled=wanted, also=noted(desk, who, deed)):
        raise NotFound("alert", str(alert_id))
    desk.live.tell({"user_alerts"})
    return await views.one_of_mine(desk, alert_id)


async def delete(desk: Desk, who: Who, alert_id: int) -> None:
    """Delete an alert; what it fired is still told. Raises: AccessRefused, NotFound, StoreError."""
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    before = await _kept(desk, alert_id)
    deed = Deed("alert.delete", _subject(alert_id), _shown(before.alert), None)
    if not await delete_alert(desk.store, alert_id, also=noted(desk, who, deed)):
        raise NotFound("alert", str(alert_id))
    desk.live.tell({"user_alerts"})


async def sample(desk: Desk, who: Who, alert_id: int) -> SentList:
    """Send a sample of an alert to every channel that would be told; nothing is judged, nothing is counted.

    Raises: AccessRefused, NotFound, StoreError.
    """
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    kept = await _kept(desk, alert_id)
    sent = await send_alert_sample(desk.store, master_key_settings(desk.settings.home), kept.alert)
    after = {one.channel: "sent" if one.sent else one.reason for one in sent.sent}
    await note_alone(desk.store, who, Deed("alert.test", _subject(alert_id), {}, after), desk.clock.now())
    return sent


def _alert(desk: Desk, new: NewAlert) -> Alert:
    metric = new.metric or next(iter(METRICS[new.kind]))
    if new.metric is None and len(METRICS[new.kind]) > 1:
        raise ConfigError("metric", "is missing", ", ".join(sorted(METRICS[new.kind])))
    if new.symbol:
        check_symbol(new.symbol, "symbol")
    account = None if new.account in {"", FLEET} else new.account
    check_in_fleet(desk.fleet, account, new.venue or None, account_at="account", venue_at="venue")
    minutes = new.max_age_minutes
    fields: dict[str, Any] = new.model_dump(exclude={"max_age_minutes", "metric", "account"})
    age = MAX_AGE[new.kind] if minutes is None else timedelta(minutes=minutes)
    return alert_of({**fields, "metric": metric, "account": account or FLEET, "max_age": age}, "alert")


def _shown(made: Alert) -> dict[str, Any]:
    exactly = {"threshold": plain(made.threshold), "hysteresis_fraction": plain(made.hysteresis_fraction)}
    return made.model_dump(mode="json") | exactly


async def _kept(desk: Desk, alert_id: int) -> KeptAlert:
    kept = await user_alert(desk.store, alert_id)
    if kept is None:
        raise NotFound("alert", str(alert_id))
    return kept


async def _standing(desk: Desk, alert_id: int) -> AlertReport:
    found = await alert(desk.store, alert_id)
    if found is None:
        raise NotFound("alert", str(alert_id))
    return alert_report(found)


def _subject(alert_id: int) -> str:
    return f"alert of a person {alert_id}"
