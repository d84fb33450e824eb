"""`nija breakers`: which ways to which venues are kept shut because nothing came back, and open one again by hand."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.by_hand import operator
from cli.console import JsonOption, ReasonOption, given, out, print_json
from models.breaker import BreakerStatus, Direction, Health
from models.breaker_report import BreakersReport
from models.clock import SystemClock
from models.errors import ConfigError
from models.settings import load_settings
from models.store.breakers import breakers, reset_breakers
from models.store.decisions import Decision
from models.store.engine import Store
from rules.breaker import reset as reset_one

app = typer.Typer(no_args_is_help=True, help="See which venues are left alone because they did not answer, and end it.")

_HEALTH = {Health.HEALTHY: "green", Health.DEGRADED: "yellow", Health.OFFLINE: "bold red"}


@app.command("list")
def list_breakers(as_json: JsonOption = False) -> int:
    """List every way to a venue that was gone so far: how well it is, its calls and faults, when an open one tries.

    Account * are the reads that the accounts of a venue share: markets and tickers.

    Example: nija breakers list
    """

    async def run() -> int:
        async with await Store.open(load_settings().store_url) as store:
            found = await breakers(store)
        if as_json:
            print_json(BreakersReport(breakers=list(found)))
        else:
            out.print(_table(found) if found else "no venue was asked anything yet")
        return 0

    return asyncio.run(run())


@app.command()
def reset(
    venue: Annotated[str, typer.Option("--venue", metavar="V", help="The venue's ccxt id.")],
    reason: ReasonOption,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ID", help="Only of this account; * the shared reads [default: all]."),
    ] = None,
    direction: Annotated[Direction | None, typer.Option("--direction", help="Only reads, or only writes.")] = None,
) -> int:
    """Close breakers at once, although nothing shows that the venue is back: the next faults open them again.

    Example: nija breakers reset --venue kraken --reason "their status page says it is over"
    """
    chosen = " ".join(part for part in (venue, account, direction) if part)
    decision = Decision(account or "*", f"reset breakers of {chosen}", operator(), given(reason), SystemClock().now())

    async def run() -> int:
        async with await Store.open(load_settings().store_url) as store:
            closed = await reset_breakers(store, decision, reset_one, venue=venue, account=account, direction=direction)
        if not closed:
            raise ConfigError("--venue", f"no breaker of {chosen} is to be reset", "what nija breakers list shows")
        out.print(f"{chosen}: {closed} breakers reset", markup=False)
        return 0

    return asyncio.run(run())


def _table(found: tuple[BreakerStatus, ...]) -> Table:
    table = Table("venue", "account", "direction", "health", "state")
    for name in ("faults in a row", "calls", "faults", "rate"):
        table.add_column(name, justify="right")
    for name in ("for", "last fault (UTC)", "tries from (UTC)"):
        table.add_column(name)
    for way in found:
        table.add_row(
            f"{way.venue} {way.address}".strip(),
            way.account,
            way.direction,
            Text(way.health_state, style=_HEALTH[way.health_state]),
            way.circuit_state.replace("_", " "),
            str(way.failure_count),
            str(way.total_calls),
            str(way.total_failures),
            f"{way.failure_rate:.1%}",
            f"{way.state_uptime_seconds:.0f} s",
            "" if way.last_failure is None else f"{way.last_failure:%Y-%m-%d %H:%M:%S} {way.last_error_code}",
            "" if way.retry_at is None else f"{way.retry_at:%H:%M:%S}",
        )
    return table
