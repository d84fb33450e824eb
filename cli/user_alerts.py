"""`nija alerts` enable, disable, delete, test, signal and check: what a person wishes to be told of."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.alert_create import SymbolOption, number_of, symbol_of
from cli.alert_words import STYLE, in_store, known_alert, moment, no_alert, sent_line
from cli.by_hand import operator
from cli.console import FleetOption, JsonOption, note, out, print_json
from models.alert_report import AlertCheckReport, SentList, UserAlertReport
from models.clock import SystemClock
from models.errors import ConfigError
from models.settings import load_settings, master_key_settings
from models.store.signals import publish
from models.store.user_alerts import delete_alert, set_enabled
from models.user_alert import Metric, Signal

IdArgument = Annotated[int, typer.Argument(metavar="ID", help="As `nija alerts list --mine` has it.")]


def enable(alert: IdArgument) -> int:
    """Switch an alert on. It is looked at anew: where its condition holds, it fires.

    Example: nija alerts enable 3
    """
    return _switch(alert, enabled=True)


def disable(alert: IdArgument) -> int:
    """Switch an alert off. It is kept, and not looked at.

    Example: nija alerts disable 3
    """
    return _switch(alert, enabled=False)


def delete(alert: IdArgument) -> int:
    """Delete an alert. What it has fired already is still told.

    Example: nija alerts delete 3
    """
    if not in_store(lambda store: delete_alert(store, alert)):
        raise no_alert(alert)
    out.print(f"alert {alert}: deleted", markup=False)
    return 0


def try_alert(alert: IdArgument, as_json: JsonOption = False) -> int:
    """Send a sample of an alert to every channel that would be told. It is not counted, and nothing is judged.

    Exit 0: every channel took it. 3: one did not, or there is none.

    Example: nija alerts test 3
    """
    wanted = known_alert(alert).alert
    from flows.user_alerts import send_alert_sample  # noqa: PLC0415 - what --help need not pay

    places = master_key_settings(load_settings().home)
    report = in_store(lambda store: send_alert_sample(store, places, wanted))
    _show_sent(report, as_json=as_json)
    return report.exit_code if report.sent else 3


def signal(
    strategy: Annotated[str, typer.Option("--strategy", metavar="NAME", help="Whose signal it is.")],
    symbol: SymbolOption,
    value: Annotated[str, typer.Option("--value", metavar="NUMBER", help="How sure it is; 80% is 0.8.")],
    metric: Annotated[Metric, typer.Option("--metric", help="What it says.")] = Metric.CONFIDENCE,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="RFC 3339 [default: now].")] = None,
) -> int:
    """Publish what a strategy thinks of a symbol; strategy alerts are judged on it.

    Example: nija alerts signal --strategy momentum --symbol BTC/USD --value 0.83
    """
    if metric is not Metric.CONFIDENCE:
        raise ConfigError("--metric", f"{metric} is nothing that strategies publish", Metric.CONFIDENCE)
    now = SystemClock().now()
    one = Signal(
        strategy.strip(), symbol_of(symbol), metric, number_of("--value", value), _instant(at) or now, by=operator()
    )
    in_store(lambda store: publish(store, [one], now=now))
    out.print(f"{one.strategy} {one.symbol}: {one.metric} {value}", markup=False, soft_wrap=True)
    return 0


def check(fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """Judge every alert that people made, then deliver all that is due. What the deployment does every minute.

    Exit 0: all was judged and delivered. 3: of an alert nothing could be said, or a message did not arrive.

    Example: nija alerts check
    """
    from flows.alerts import AlertsRequest, check_fleet_alerts  # noqa: PLC0415 - ccxt takes a second

    request = AlertsRequest(fleet=None if fleet is None else str(fleet.absolute()))
    report = asyncio.run(check_fleet_alerts(request))
    (print_json if as_json else _show_check)(report)
    return report.exit_code


def show_mine(alerts: list[UserAlertReport]) -> None:
    """Print one row for each alert that people made."""
    table = Table("id", "severity", "condition", "on", "holds", "fired", "last (UTC)", "value", "judged (UTC)")
    table.add_column("why not", overflow="fold")
    for one in alerts:
        table.add_row(
            str(one.alert_id),
            Text(one.severity, style=STYLE[one.severity]),
            Text(one.condition),
            "yes" if one.enabled else "no",
            "yes" if one.holds else "no",
            str(one.trigger_count),
            moment(one.last_triggered_at),
            one.last_value or "",
            moment(one.last_checked_at),
            Text(one.problem),
        )
    out.print(table)


def _show_check(report: AlertCheckReport) -> None:
    for one in report.fired:
        out.print(f"fired: {one.condition}: it is {one.last_value}", markup=False, soft_wrap=True)
    for one in report.unjudged:
        note(f"not judged: {one.condition}: {one.problem}")
    for sent in report.delivered:
        out.print(sent_line(sent), markup=False)
    out.print(f"{report.checked} alerts checked, {len(report.fired)} fired")


def _show_sent(report: SentList, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for one in report.sent:
        out.print(sent_line(one), markup=False)
    if not report.sent:
        out.print("no channel would be told: nija alerts channels add")


def _switch(alert: int, *, enabled: bool) -> int:
    if not in_store(lambda store: set_enabled(store, alert, enabled=enabled)):
        raise no_alert(alert)
    out.print(f"alert {alert}: {'enabled' if enabled else 'disabled'}", markup=False)
    return 0


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError("--at", f"{text!r} is no time", "as in 2026-01-31T12:00:00Z") from None
    if at.tzinfo is None:
        raise ConfigError("--at", f"{text!r} has no time zone", "as in 2026-01-31T12:00:00Z")
    return at.astimezone(UTC)
