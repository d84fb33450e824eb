"""Alerts: what stands and who knows of it, what people wish to be told of, what fired, and who was told."""

from typing import Any

from fastapi import Request
from nicegui import ui
from pydantic import ValidationError

from desk.actions import alerts as actions
from desk.actions.alerts import NewAlert
from desk.desk import Desk
from desk.listing import Tone
from desk.pages.live import follow
from desk.pages.parts import Empty, ask, ask_why, button, dialog_named, notice, panel, text
from desk.pages.shell import done, shell
from desk.pages.table import RowAction, Table
from desk.views import alerts as views
from flows.user_alerts import number_of
from models.alert import FLEET, Severity
from models.alert_report import FiringReport, UserAlertReport
from models.errors import ConfigError
from models.people import Role, Who
from models.user_alert import METRICS, AlertKind, Side
from models.watch_report import AlertReport

TOPICS = ("operational_alerts", "user_alerts", "alert_firings", "alert_deliveries", "alert_channels")
_KINDS = {
    AlertKind.PRICE: "a price",
    AlertKind.STRATEGY: "a strategy's confidence",
    AlertKind.PORTFOLIO: "a portfolio's figure",
}


@ui.page("/alerts")
async def alerts_page(request: Request) -> None:
    """Show the alerts of a desk."""
    with shell(request, "Alerts", lead="What needs a person now, and what you wish to be told of.") as (desk, who):
        page = _Alerts(desk, who)
        await page.refresh()
        follow(desk, request, TOPICS, page.refresh)


class _Alerts:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._may_act = who.role.reaches(Role.OPERATOR)
        self._nobody = notice(
            "No channel is set up: alerts reach nobody who does not look here. nija alerts channels add", Tone.WARN
        )
        with panel("What stands") as head:
            self._everything = _in_head(head)
            self._everything.on_value_change(self.refresh)
            self._operational = self._operational_table()
        with panel("Alerts of your own") as head:
            if self._may_act:
                with head:
                    ui.element("span").classes("grow")
                    button("New alert", self._new, look="main small")
            self._mine = self._mine_table()
        with panel("What fired"):
            self._history = Table[FiringReport](
                views.FIRINGS,
                label="What fired",
                export="/api/alerts/history/export",
                empty=Empty("None of your alerts has fired yet.", "Each time one does, it stands here."),
            )
        with panel("Who was told") as head:
            with head:
                self._channels = text("span", "", "muted")
            self._told = Table(
                views.DELIVERIES,
                label="Who was told",
                export="/api/alerts/deliveries/export",
                empty=Empty(
                    "Nothing was sent yet.", "Say how people are told:", "nija alerts channels add ops --url-stdin"
                ),
            )

    async def refresh(self) -> None:
        """Show what the store knows now."""
        everything = bool(self._everything.value)
        self._operational.show(await views.operational(self._desk, everything=everything))
        self._mine.show(await views.mine(self._desk))
        self._history.show(await views.history(self._desk))
        self._told.show(await views.told(self._desk))
        told = await views.who_is_told(self._desk)
        self._nobody.set_visibility(not told)
        self._channels.set_text(", ".join(f"{one.name} ({one.service}, from {one.severity} on)" for one in told))

    def _operational_table(self) -> Table[AlertReport]:
        acknowledge = RowAction[AlertReport](
            "ack",
            "Acknowledge",
            self._acknowledge,
            when=lambda alert: alert.acknowledged_by is None and alert.closed_at is None,
        )
        return Table(
            views.OPERATIONAL,
            label="Alerts that stand",
            export="/api/alerts/operational/export",
            sort="severity",
            descending=True,
            actions=(acknowledge,) if self._may_act else (),
            named=lambda alert: f"{alert.code} {views.whose(alert.account, alert.symbol)}",
            empty=Empty("Nothing stands: nobody is needed.", "The watch raises an alert here as soon as somebody is."),
        )

    def _mine_table(self) -> Table[UserAlertReport]:
        acts = (
            RowAction[UserAlertReport]("off", "Disable", self._switch, when=lambda alert: alert.enabled),
            RowAction[UserAlertReport]("on", "Enable", self._switch, when=lambda alert: not alert.enabled),
            RowAction[UserAlertReport]("test", "Test", self._test),
            RowAction[UserAlertReport]("delete", "Delete", self._delete, tone="danger"),
        )
        return Table(
            views.MINE,
            label="Alerts of your own",
            export="/api/alerts/list/export",
            actions=acts if self._may_act else (),
            named=lambda alert: alert.condition,
            empty=Empty(
                "Nobody has made an alert yet.", "Press New alert, and be told of a price, a signal or a balance."
            ),
        )

    async def _acknowledge(self, alert: AlertReport) -> None:
        why = await ask_why(
            f"Acknowledge {alert.code}", f"{alert.message}. It stands until it is over.", yes="Acknowledge"
        )
        if why is not None:
            act = actions.acknowledge(self._desk, self._who, alert.alert_id, why)
            await done(act, f"{alert.code}: acknowledged")
            await self.refresh()

    async def _switch(self, alert: UserAlertReport) -> None:
        act = actions.switch(self._desk, self._who, alert.alert_id, enabled=not alert.enabled)
        await done(act, f"Alert {alert.alert_id}: {'disabled' if alert.enabled else 'enabled'}")
        await self.refresh()

    async def _test(self, alert: UserAlertReport) -> None:
        async def send() -> None:
            sent = await actions.sample(self._desk, self._who, alert.alert_id)
            for one in sent.sent:
                ui.notify(
                    f"{one.channel}: {'sent' if one.sent else one.reason}", type="positive" if one.sent else "negative"
                )
            if not sent.sent:
                ui.notify("No channel would be told of this alert.", type="warning")

        await done(send(), "A sample was sent; nothing is counted.")

    async def _delete(self, alert: UserAlertReport) -> None:
        words = f"{alert.condition}. What it has fired already stays in the history."
        if await ask(f"Delete alert {alert.alert_id}?", words, yes="Delete", look="danger"):
            await done(actions.delete(self._desk, self._who, alert.alert_id), f"Alert {alert.alert_id}: deleted")
            await self.refresh()

    async def _new(self) -> None:
        if await _AlertForm(self._desk, self._who).asked():
            await self.refresh()


class _AlertForm:
    """The form of a new alert: what it asks for changes with the kind."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        accounts = [account.id for account in desk.fleet.accounts]
        venues = sorted({account.venue for account in desk.fleet.accounts})
        with dialog_named("New alert") as self._dialog:
            text("h2", "New alert")
            with ui.element("div").classes("form"):
                kind = _select("Of", {kind.value: words for kind, words in _KINDS.items()}, AlertKind.PRICE.value)
                self._kind = kind.on_value_change(self._fit)
                self._metric = _select("Figure", [], None)
                self._venue = _select("Venue", venues, venues[0] if venues else None, clearable=True)
                self._account = _select("Account", accounts, None, clearable=True)
                self._strategy = _input("Strategy, as it publishes")
                self._symbol = _input("Symbol, as in BTC/USD")
                self._side = _select("Fires", [side.value for side in Side], Side.ABOVE.value)
                self._threshold = _input("Threshold; 5% is 0.05")
                self._back = _input("Hysteresis, as in 2%", "0")
                self._severity = _select("Severity", [one.value for one in Severity], Severity.WARNING.value)
                self._note = _input("Note of your own").classes("wide")
            self._complaint = text("p", "", "complaint").props('role="alert"')
            with ui.element("div").classes("buttons"):
                button("Make the alert", self._make, look="main")
                button("Cancel", lambda: self._dialog.submit(None))
        self._fit()

    async def asked(self) -> bool:
        """Show the form; return whether an alert was made."""
        try:
            return bool(await self._dialog)
        finally:
            self._dialog.delete()

    def _fit(self) -> None:
        """Show the fields that the kind has a use for."""
        kind = AlertKind(self._kind.value)
        figures = sorted(metric.value for metric in METRICS[kind])
        self._metric.set_options(figures, value=figures[0])
        self._metric.set_visibility(len(figures) > 1)
        self._venue.set_visibility(kind is AlertKind.PRICE)
        self._account.set_visibility(kind is not AlertKind.STRATEGY)
        self._strategy.set_visibility(kind is AlertKind.STRATEGY)
        self._symbol.set_visibility(kind is not AlertKind.PORTFOLIO)
        self._complaint.set_text("")

    async def _make(self) -> None:
        try:
            new = NewAlert.model_validate(self._fields())
        except ValidationError as error:
            first = error.errors()[0]
            self._complaint.set_text(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
            return
        except ConfigError as error:
            self._complaint.set_text(str(error))
            return
        if await done(actions.create(self._desk, self._who, new), "The alert is made, and armed."):
            self._dialog.submit(new)

    def _fields(self) -> dict[str, Any]:
        """Return what was filled in, of the fields that are seen. Raises: ConfigError for what is no number."""
        kind = AlertKind(self._kind.value)
        where = self._account.value if kind is not AlertKind.STRATEGY else None
        return {
            "kind": kind,
            "metric": self._metric.value,
            "side": self._side.value,
            "threshold": number_of("Threshold", self._threshold.value or ""),
            "hysteresis_fraction": number_of("Hysteresis", self._back.value or "0"),
            "account": where or FLEET,
            "venue": (self._venue.value or "") if kind is AlertKind.PRICE and not where else "",
            "symbol": (self._symbol.value or "").upper() if kind is not AlertKind.PORTFOLIO else "",
            "strategy": self._strategy.value if kind is AlertKind.STRATEGY else "",
            "severity": self._severity.value,
            "note": self._note.value or "",
        }


def _in_head(head: ui.element) -> ui.switch:
    with head:
        ui.element("span").classes("grow")
        return ui.switch("What is over, too").props("dense")


def _select(label: str, options: Any, value: str | None, **more: Any) -> ui.select:
    return ui.select(options, label=label, value=value, **more).props("outlined dense options-dense")


def _input(label: str, value: str = "") -> ui.input:
    return ui.input(label, value=value).props("outlined dense")
