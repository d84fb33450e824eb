"""`nija exits watch`: hold prices against every limit without a pause, with a table that lives."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.console import AccountsOption, FleetOption, JsonOption, err, note, out, print_json
from cli.fleet_file import told
from cli.fleet_run import NOTHING_SENT, LiveOption, VerboseOption, YesOption
from cli.prefect_server import prepare_prefect
from models.amounts import plain
from models.errors import ConfigError
from models.exit_watch import ExitWatchReport, Watched
from models.settings import Settings, load_settings
from models.store.engine import Store
from rules.exit_watch import stop_price

if TYPE_CHECKING:
    from flows.exit_watch import Watch
    from flows.watched_account import WatchedAccount

NEAREST = 30  # rows; of a large fleet those that are nearest to their stop
_REFRESHES = 4  # a second
_LAST_EXITS = 5

PollOption = Annotated[
    float, typer.Option("--poll-seconds", min=0.1, max=60, help="Between two looks at the prices of a venue.")
]
ForOption = Annotated[
    float, typer.Option("--max-run-seconds", min=1, max=86_400, help="Then it ends; Ctrl-C ends it sooner.")
]


def watch(  # noqa: PLR0917 - Typer reads the options off the signature
    fleet: FleetOption = None,
    account: AccountsOption = None,
    live: LiveOption = False,
    yes: YesOption = False,
    poll_seconds: PollOption = 1.0,
    max_run_seconds: ForOption = 86_400,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Watch prices and leave a position the moment its limit is crossed; without --live it only shows what is due.

    A second watch over the same accounts takes over from the first. Exit codes: 0 it ended as it should, 3 an exit was
    tried and did not come about.

    Example: nija exits watch --live --yes --poll-seconds 0.5
    """
    if live and not yes and not sys.stdin.isatty():
        raise ConfigError("--live", "asks before it acts, and there is no terminal to ask on", "--live --yes")
    settings = load_settings()
    path = fleet or settings.fleet
    from tasks.runtime import read_fleet  # noqa: PLC0415 - ccxt and Prefect take seconds that --help need not pay

    loaded = read_fleet(settings, path)
    chosen = [a.id for a in loaded.choose(account or [])]
    told(loaded)
    question = f"Sell with real orders whatever crosses a limit in {len(chosen)} accounts?"
    if live and not yes and not typer.confirm(question, default=False, err=True):
        note("nothing was sent")
        return NOTHING_SENT
    settings.home.mkdir(parents=True, exist_ok=True)  # of Prefect's own home only the last folder is made
    asyncio.run(_check_store(settings))
    prepare_prefect(settings.home, verbose=verbose)
    from flows.enforce_exits_continuously import ExitWatchRequest, enforce_exits_continuously  # noqa: PLC0415

    request = ExitWatchRequest(
        fleet=str(path.absolute()),
        accounts=account or [],
        live=live,
        poll_seconds=poll_seconds,
        max_run_seconds=max_run_seconds,
    )

    async def run() -> object:
        return await enforce_exits_continuously(request)

    with _shown():
        report = asyncio.run(run())
    if not isinstance(report, ExitWatchReport):  # a start by hand is never late, and nobody else runs it
        raise TypeError(f"the flow returned {report!r}")
    if as_json:
        print_json(report)
    else:
        words = f"{report.filled} exits, {report.failed} attempts failed, {report.polls} polls, {report.ended}"
        out.print(words, markup=False)
    return 3 if report.failed > report.filled else 0


async def _check_store(settings: Settings) -> None:
    """Open the store once, before a server is started for a watch that could not read it."""
    async with await Store.open(settings.store_url):
        pass


@contextmanager
def _shown() -> Iterator[None]:
    """Show the watch for the length of the block, on stderr and on a terminal only."""
    from flows.exit_watch import onlooker  # noqa: PLC0415

    found: list[Watch] = []
    token = onlooker.set(found.append)
    try:
        if not err.is_terminal:
            yield
            return
        shown: Callable[[], Group] = lambda: table_of(found[0]) if found else Group("waiting")  # noqa: E731
        with Live(get_renderable=shown, console=err, refresh_per_second=_REFRESHES, transient=True):
            yield
    finally:
        onlooker.reset(token)


def table_of(watch: "Watch") -> Group:
    """Return one row a position, those first that are due or nearest to their stop."""
    table = Table(title=f"Exits, {'live' if watch.live else 'plan only'}, {watch.polls} polls", title_justify="left")
    table.add_column("account", style="bold")
    table.add_column("symbol")
    for column in ("entry", "price", "peak", "stop", "to the stop"):
        table.add_column(column, justify="right")
    table.add_column("due")
    rows = [(a, w) for a in watch.accounts for w in list(a.positions.values())]
    rows.sort(key=lambda row: (row[1].symbol not in row[0].due, _distance(*row) or Decimal("Infinity")))
    for account, watched in rows[:NEAREST]:
        table.add_row(account.account.id, watched.symbol, *_figures(account, watched))
    told = [Text(f"{len(rows) - NEAREST} more are further away", style="dim")] if len(rows) > NEAREST else []
    blind = [f"{a.account.id}: {a.trouble}" for a in watch.accounts if a.trouble]
    told += [Text(f"no prices: {', '.join(blind)}", style="bold yellow")] if blind else []
    exits = sorted((e for a in watch.accounts for e in list(a.exits)), key=lambda e: e.at)[-_LAST_EXITS:]
    told += [Text(f"{e.at:%H:%M:%S} {e.account} {e.symbol} {e.why}: {e.outcome}") for e in exits]
    return Group(table, *told)


def _figures(account: "WatchedAccount", watched: Watched) -> tuple[str | Text, ...]:
    price, stop, distance = account.prices.get(watched.symbol), stop_price(watched), _distance(account, watched)
    signal = account.due.get(watched.symbol)
    return (
        _plain(watched.entry_price),
        _plain(None if price is None else price.value),
        _plain(watched.peak_price),
        _plain(stop),
        "unknown" if distance is None else f"{distance * 100:+.2f} %",
        Text("" if signal is None else str(signal), style="bold red"),
    )


def _distance(account: "WatchedAccount", watched: Watched) -> Decimal | None:
    """Return how far the price may fall before a stop sells, as a fraction; None where that is not known."""
    price, stop = account.prices.get(watched.symbol), stop_price(watched)
    return None if price is None or stop is None else 1 - stop / price.value


def _plain(number: Decimal | None) -> str:
    return "unknown" if number is None else plain(number)
