"""`nija status`: the stack of this home, and the whole fleet at a glance, from what the store knows."""

import asyncio
from datetime import datetime, timedelta

from rich.table import Table
from rich.text import Text

from cli.console import FleetOption, JsonOption, out, print_json
from cli.fleet_file import told
from cli.stack.status import StatusReport, show_stack
from models.breaker import Health
from models.clock import SystemClock
from models.fleet import load_fleet
from models.metrics import AccountMetrics, FleetMetrics, Happened
from models.reasons import Freshness
from models.settings import load_settings, policy_defaults
from models.stack_report import stack_report
from models.store.engine import Store
from rules.balance import span_words

_STATUS = {"compliant": "green", "ok": "green", "pending": "yellow", "mismatch": "bold red", "halted": "bold red"}
_FRESHNESS = {Freshness.FRESH: "green", Freshness.STALE: "yellow", Freshness.UNKNOWN: "bold red"}
_HEALTH = {Health.HEALTHY: "green", Health.DEGRADED: "yellow", Health.OFFLINE: "bold red"}
_PERCENT = 100


def status(fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """Show the parts of `nija up`, every account, and what is measured of the fleet. It asks no venue.

    Example: nija status --json
    """
    from flows.status import fleet_metrics  # noqa: PLC0415 - the rules take a while that --help need not pay

    settings = load_settings()
    stack = stack_report(settings.home)
    if not as_json:
        show_stack(out, settings.home)  # first: what is down there is why the rest may not be known
    loaded = told(load_fleet(fleet or settings.fleet, policy_defaults()))

    async def run() -> FleetMetrics:
        async with await Store.open(settings.store_url) as store:
            return await fleet_metrics(store, loaded, SystemClock().now())

    report = asyncio.run(run())
    if as_json:
        print_json(StatusReport(**dict(report), stack=stack))
    else:
        show_status(report)
    return 0


def show_status(metrics: FleetMetrics) -> None:
    """Print one row an account, then what holds of all of them."""
    table = Table(title=f"Fleet at {metrics.told_at:%Y-%m-%d %H:%M:%S} UTC", title_justify="left")
    table.add_column("account", style="bold")
    table.add_column("last run")
    for column in ("seen", "positions", "dust", "unvalued", "cash"):
        table.add_column(column, justify="right")
    for column in ("balance", "venue", "stopped"):
        table.add_column(column)
    for account in metrics.accounts:
        table.add_row(*_cells(account, metrics.told_at))
    out.print(table)
    for line in _lines(metrics):
        out.print(line, markup=False)


def _cells(account: AccountMetrics, now: datetime) -> tuple[str | Text, ...]:
    of = "?" if account.positions is None else str(account.positions)
    seen = "never" if account.last_seen is None else _ago(account.last_seen, now)
    run = "none" if account.status is None else f"{account.status} ({account.last_run})"
    return (
        account.account,
        Text(run, style=_STATUS.get(account.status or "", "yellow")),
        seen,
        Text(f"{of}/{account.cap}", style="bold red" if account.at_cap else ""),
        "?" if account.dust is None else str(account.dust),
        "?" if account.positions is None else str(len(account.unvalued)),
        f"{account.balance.cash_total or 'unknown'} {account.balance.quote}",
        Text(_balance(account), style=_FRESHNESS[account.balance.state]),
        Text(account.breaker, style=_HEALTH[account.breaker]) if account.breaker else "not asked",
        Text(", ".join(_stopped(account)), style="bold red"),
    )


def _balance(account: AccountMetrics) -> str:
    age, failed = account.balance.age_seconds, account.balance.errors
    since = "" if age is None else f" {span_words(timedelta(seconds=age))}"
    return f"{account.balance.state}{since}{f', {failed} failed reads' if failed else ''}"


def _stopped(account: AccountMetrics) -> list[str]:
    halts = [f"halted: {halt.split(' ', 1)[0]}" for halt in account.halts]
    frozen = [f"{len(account.frozen)} frozen"] if account.frozen else []
    return [*halts, *frozen, *([f"{account.undecided} undecided"] if account.undecided else [])]


def _lines(metrics: FleetMetrics) -> list[str]:
    never = metrics.accounts_never_read
    unread = f", without {len(never)} accounts never read" if never else ""
    if metrics.last_verification_date is None:
        verified = "never"
    else:
        rate = metrics.verification_pass_rate
        passed = "no checks" if rate is None else f"{rate * _PERCENT:.0f} % passed"
        failed = f", failed: {', '.join(metrics.failed_checks)}" if metrics.failed_checks else ""
        verified = f"{metrics.last_verification_date:%Y-%m-%d %H:%M} UTC, {passed}{failed}"
    standing = ", ".join(f"{times} {severity}" for severity, times in metrics.alerts.items())
    seen = ", ".join(f"{p.pipeline} {_ago(p.last_seen, metrics.told_at)} ago" for p in metrics.pipelines)
    accounts = f"{metrics.total_users_active} of {len(metrics.accounts)} active, {metrics.users_at_cap} at their cap"
    return [
        f"accounts: {accounts}",
        f"positions: {metrics.global_position_count} of {metrics.global_position_max}{unread}",
        f"verification: {verified}",
        f"low-balance warnings: {_happened(metrics.low_balance_warnings)}",
        f"volatility adjustments: {_happened(metrics.high_volatility_adjustments)}",
        f"fallbacks to an old balance: {_happened(metrics.fallback_activations)}",
        f"alerts standing: {standing or 'none'}",
        f"pipelines seen: {seen or 'none'}",
    ]


def _ago(instant: datetime, now: datetime) -> str:
    return span_words(max(now - instant, timedelta()))


def _happened(times: Happened) -> str:
    return f"{times.today} today, {times.in_7_days} in 7 days"
