"""`nija alerts deliveries`: what became of every message."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.alert_words import STYLE, in_store, moment
from cli.console import JsonOption, out, print_json
from models.alert_report import DeliveryList, DeliveryReport, delivery_report
from models.store.deliveries import deliveries


def list_deliveries(
    channel: Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Only to this channel.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 100,
    as_json: JsonOption = False,
) -> int:
    """List what was sent to whom, what failed and why, and when it is tried next; newest first.

    Example: nija alerts deliveries --channel ops
    """
    rows = in_store(lambda store: deliveries(store, channel=channel, limit=limit))
    found = DeliveryList(deliveries=[delivery_report(one) for one in rows])
    if as_json:
        print_json(found)
        return 0
    if not found.deliveries:
        out.print("nothing was to be sent yet")
        return 0
    table = Table("channel", "what", "severity", "state", "tries", "last try (UTC)", "why", "next try (UTC)")
    table.add_column("of", overflow="fold")
    for one in found.deliveries:
        table.add_row(*_cells(one))
    out.print(table)
    return 0


def _cells(one: DeliveryReport) -> tuple[str | Text, ...]:
    held = " (held)" if one.held_until is not None and one.next_at == one.held_until else ""
    return (
        one.channel,
        one.word,
        Text(one.severity, style=STYLE[one.severity]),
        one.state.value,
        str(one.attempts),
        moment(one.last_tried_at),
        one.reason,
        f"{moment(one.next_at)}{held}",
        Text(f"{one.title}: {one.message}"),
    )
