"""`nija venues`: what each venue can do, in a trader's words."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import JsonOption, out, print_json
from models.report import VenueReport, VenuesReport

if TYPE_CHECKING:
    from brokers.capabilities import Capabilities

_REPEAT = {
    "returns_first": "never sells twice",
    "refused": "refused",
    "refused_while_open": "refused while open",
    "unknown": "not known",
}
_LOOK_UP = {"by_id": "one call", "in_lists": "in its lists", "none": "not at all"}
_LATE = {"refused": "refused", "taken": "taken", None: "not known"}


def _yes(said: bool | None) -> str:
    return "not known" if said is None else "yes" if said else "no"


def _dust(venue: VenueReport) -> str:
    return "no" if venue.dust is None else f"into {venue.dust.into}, {venue.dust.assets_per_request} at a time"


def _candles(venue: VenueReport) -> str:
    if venue.candles_per_page is None:
        return "not known"
    kept = "all" if venue.candles_kept is None else f"newest {venue.candles_kept}"
    return f"{venue.candles_per_page}; {kept}"


# What is shown of a venue: the row's name, its cell, and the line that explains it below the table.
_ROWS: tuple[tuple[str, Callable[[VenueReport], str], str], ...] = (
    ("cash", lambda v: ", ".join(v.quotes) or "not known", "currencies that its markets are usually quoted in"),
    (
        "order sent twice",
        lambda v: _REPEAT[v.repeat],
        "what becomes of an order whose id was used before; Nija sends each once, and a venue may guard against more",
    ),
    ("order found by our id", lambda v: _LOOK_UP[v.look_up], "how an order is found whose answer was lost"),
    (
        "late order",
        lambda v: _LATE[v.late],
        "what becomes of an order that arrives after its deadline; where it is taken, a lost one is awaited longer",
    ),
    ("dust conversion", _dust, "whether small balances can be turned into something at once, into what"),
    ("candles", _candles, "how many one request gives; how many the venue keeps"),
    ("tells a key's rights", lambda v: _yes(v.reports_permissions), "so that a key that may withdraw is refused"),
    ("tells the equity", lambda v: _yes(v.reports_equity), "so that the sum of values has a second opinion"),
    ("requests in order", lambda v: _yes(v.ordered_nonces), "a key's requests must arrive in turn: one program a key"),
    ("checks our clock", lambda v: _yes(v.checks_clock), "requests are refused where this machine's clock is off"),
    ("passphrase", lambda v: _yes(v.needs_passphrase), "comes with the key, and is asked for"),
    ("markets need a key", lambda v: _yes(v.markets_need_key), "its list of markets is not public"),
)


def venues(
    venue: Annotated[
        str | None,
        typer.Argument(metavar="[VENUE]", help="Any ccxt exchange id [default: every venue that is verified]."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show what venues can do: how safe an order is there, what can be looked up, what becomes of dust.

    A verified venue has an adapter of Nija's own, held to its wire format in drills. Any other one that ccxt knows
    works with less certainty.

    Exit 0, or 1 for an id that ccxt does not know.

    Example: nija venues bitstamp
    """
    from brokers.venues import VENUES, capabilities_of, check_venue  # noqa: PLC0415 - a second that --help need not pay

    if venue is not None:
        check_venue(venue, "VENUE")
    chosen = [capabilities for _, capabilities in VENUES.values()] if venue is None else [capabilities_of(venue)]
    report = VenuesReport(venues=[_told(capabilities) for capabilities in chosen])
    (print_json if as_json else show_venues)(report)
    return 0


def show_venues(report: VenuesReport) -> None:
    """Print one column a venue, and what the rows mean."""
    table = Table(title="What venues can do", title_justify="left")
    table.add_column("", style="bold")
    for venue in report.venues:
        certain = "" if venue.verified else ", not verified"
        table.add_column(f"{venue.name} ({venue.venue}{certain})", overflow="fold")
    for name, cell, _ in _ROWS:
        table.add_row(name, *(cell(venue) for venue in report.venues))
    out.print(table)
    for name, _, meaning in _ROWS:
        out.print(f"  {name}: {meaning}", style="dim", markup=False)
    for venue in report.venues:
        if venue.documents:
            out.print(f"  {venue.name}: {venue.documents}", style="dim", markup=False, soft_wrap=True)
        if not venue.verified:
            out.print(
                f"{venue.name} is reached through ccxt alone, with reduced certainty: its order look-ups and balances "
                "were never held to its wire format, and what is not known is taken to be at its worst",
                style="yellow",
                markup=False,
            )


def _told(capabilities: "Capabilities") -> VenueReport:
    """Return the record; of a venue that is not verified, only what ccxt says and what its generic adapter can do."""
    told = asdict(capabilities) | {"idempotent": capabilities.is_idempotent}
    if not capabilities.verified:
        unknown = ("idempotent", "late", "ordered_nonces", "checks_clock", "markets_need_key")
        told |= dict.fromkeys(unknown) | {"quotes": []}
    return VenueReport.model_validate({name: told[name] for name in VenueReport.model_fields})
