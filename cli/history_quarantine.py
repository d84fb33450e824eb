"""`nija history quarantine`: rows that broke their contract, and what a person decides about them."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.by_hand import operator
from cli.console import JsonOption, ReasonOption, given, note, out, print_json
from models.clock import SystemClock
from models.history_report import QuarantineList
from models.settings import load_settings
from models.store.engine import Store

if TYPE_CHECKING:
    from models.store.quarantine import Decided

app = typer.Typer(no_args_is_help=True, help="See rows that broke their contract; release one, or let it go.")

RowsArgument = Annotated[list[int], typer.Argument(metavar="ID...", help="As `nija history quarantine list` has them.")]
_LEFT = 3


@app.command("list")
def list_rows(
    everything: Annotated[bool, typer.Option("--all", help="What was decided about, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 200,
    as_json: JsonOption = False,
) -> int:
    """List rows that broke their contract, newest first: as they came, and every reason.

    Example: nija history quarantine list --limit 20
    """
    from flows.history_view import quarantine_list  # noqa: PLC0415 - pandas takes half a second that --help need not pay

    async def run() -> QuarantineList:
        async with await Store.open(load_settings().store_url) as store:
            return await quarantine_list(store, waiting=not everything, limit=limit)

    (print_json if as_json else _show)(asyncio.run(run()))
    return 0


@app.command()
def release(rows: RowsArgument, reason: ReasonOption) -> int:
    """Let rows into the history after all, in the place of what stands there. What is no candle at all stays.

    Exit 0: all of them were. 3: one was left as it is, and why. 1: it could not run.

    Example: nija history quarantine release 12 13 --reason "the crash was real, as two other venues show"
    """
    from models.store.quarantine import release as release_rows  # noqa: PLC0415 - as above

    return _decided(release_rows, rows, reason, "released")


@app.command()
def drop(rows: RowsArgument, reason: ReasonOption) -> int:
    """Let rows go: they stay where they are, decided, and are not listed any more.

    Example: nija history quarantine drop 14 --reason "a test of the source's own"
    """
    from models.store.quarantine import drop as drop_rows  # noqa: PLC0415 - as above

    return _decided(drop_rows, rows, reason, "dropped")


def _decided(decide: Callable[..., Any], rows: list[int], reason: str, word: str) -> int:
    """Decide, and say what became of each row."""
    why = given(reason)

    async def run() -> "Decided":
        async with await Store.open(load_settings().store_url) as store:
            found: Decided = await decide(store, rows, by=operator(), reason=why, now=SystemClock().now())
            return found

    decided = asyncio.run(run())
    for row in decided.done:
        out.print(f"row {row}: {word}", markup=False)
    for left in decided.left:
        note(f"row {left.row_id}: left as it is, {left.why}")
    return _LEFT if decided.left else 0


def _show(found: QuarantineList) -> None:
    if not found.rows:
        out.print("nothing is in quarantine")
        return
    table = Table("id", "series", "time (UTC)", "why", title="Quarantine", title_justify="left")
    table.add_column("as it came", overflow="fold")
    table.add_column("decision", overflow="fold")
    for row in found.rows:
        time = "" if row.time is None else f"{row.time:%Y-%m-%d %H:%M}"
        came = " ".join(f"{name}={value}" for name, value in row.row.items() if name != "time")
        decision = "" if row.decision is None else f"{row.decision} by {row.decided_by}: {row.reason}"
        why = ", ".join(reason.replace("_", " ") for reason in row.reasons)
        name = f"{row.source} {row.symbol} {row.timeframe}"
        table.add_row(str(row.row_id), Text(name), time, why, Text(came), Text(decision))
    out.print(table)
