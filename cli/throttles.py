"""`nija throttles`: how much of what the venues allow is used up now, and which of them want to be left alone."""

import asyncio
from datetime import UTC, datetime

import typer
from rich.table import Table

from cli.console import JsonOption, out, print_json
from models.settings import load_settings
from models.store.engine import Store
from models.store.throttles import Known, known_levels
from models.throttle import ThrottleReport, ThrottlesReport

app = typer.Typer(no_args_is_help=True, help="See what the venues allow, how much of it is used, and what is closed.")


@app.callback()
def throttles() -> None:
    """See what the venues allow, how much of it is used, and what is closed."""


@app.command("list")
def list_throttles(as_json: JsonOption = False) -> int:
    """List every allowance of a venue that is in use, or closed because the venue refused calls for their rate.

    Example: nija throttles list
    """
    settings = load_settings()

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            found = [_told(known, settings.limits_factor) for known in await known_levels(store)]
        report = ThrottlesReport(throttles=[row for row in found if row.used or row.closed_until is not None])
        if as_json:
            print_json(report)
        else:
            out.print(_table(report) if report.throttles else "nothing of what the venues allow is used up")
        return 0

    return asyncio.run(run())


def _told(known: Known, factor: float) -> ThrottleReport:
    from brokers.limits import limits_of  # noqa: PLC0415 - a second that --help need not pay
    from rules.throttle import used  # noqa: PLC0415

    venue, address, name, *rest = known.budget.split("|")
    allowed = next((a for a in limits_of(venue).all if a.name == name), limits_of(venue).all[0])
    limit, closed = allowed.limit.times(factor), known.level.closed_until > known.now
    return ThrottleReport(
        venue=venue,
        address=address,
        limit=name,
        of=rest[0] if allowed.each is not None and rest else "",
        key=rest[-1][:8] if allowed.by_key and rest else "",
        used=round(used(known.level, limit, known.now), 2),
        capacity=limit.capacity,
        closed_until=datetime.fromtimestamp(known.level.closed_until, UTC) if closed else None,
        closed_for=known.level.closed_for if closed else "",
    )


def _table(report: ThrottlesReport) -> Table:
    table = Table("venue", "limit", "key", "used", "closed until (UTC)", "why")
    for row in report.throttles:
        table.add_row(
            f"{row.venue} {row.address}".strip(),
            f"{row.limit} {row.of}".strip(),
            row.key,
            f"{row.used:g} of {row.capacity:g}",
            "" if row.closed_until is None else f"{row.closed_until:%Y-%m-%d %H:%M:%S}",
            row.closed_for,
        )
    return table
