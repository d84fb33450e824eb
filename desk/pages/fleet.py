"""The fleet: is everything all right, and if not, which account needs a look."""

from typing import Any

from fastapi import Request
from nicegui import ui

from desk.desk import Desk
from desk.listing import Tone
from desk.pages.live import PATIENCE, follow
from desk.pages.parts import Empty, Figure, figures, panel
from desk.pages.shell import shell
from desk.pages.table import Table
from desk.views import fleet as views
from desk.views.fleet import FleetFilter
from desk.views.fleet_listing import ON_PAGE, WORDS, ago
from desk.views.measured import Concern, FleetAccount, FleetSummary

_EMPTY = Empty("The fleet file has no accounts.", "Write one, or name it:", "nija desk --fleet fleet.yaml")


@ui.page("/", response_timeout=PATIENCE)
async def fleet_page(request: Request) -> None:
    """Show the fleet of a desk."""
    lead = "Every account as the store knows it. No venue is asked for this page."
    with shell(request, "Fleet", lead=lead) as (desk, _who):
        page = _Fleet(desk)
        await page.refresh()
        follow(desk, request, views.TOPICS, page.refresh)


class _Fleet:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wanted = FleetFilter()
        self._shown: list[Figure] = []
        self._figures = ui.element("div").style("width: 100%")
        with panel("Accounts"):
            self._table = Table[FleetAccount](
                ON_PAGE,
                label="Accounts",
                empty=_EMPTY,
                export=_export_of(self._wanted),
                sort="concerns",
                descending=True,
                narrowing=self._filters,
            )

    def _filters(self) -> None:
        venues = sorted({account.venue for account in self._desk.fleet.accounts})
        self._select("Venue", {venue: venue for venue in venues}, "venue")
        self._select("What is wrong", {concern.value: WORDS[concern] for concern in Concern}, "concern")
        only = ui.checkbox("Needs a look", on_change=lambda event: self._narrow("only_concerns", event.value))
        only.props('dense aria-label="Only accounts that need a look"')

    async def refresh(self) -> None:
        """Show what the store knows now."""
        found = _figures_of(await views.summary(self._desk))
        if found != self._shown:
            self._shown = found
            self._figures.clear()
            with self._figures:
                figures(found)
        self._table.show(await views.accounts(self._desk, self._wanted))

    def _select(self, label: str, options: dict[str, str], field: str) -> None:
        chosen = ui.select(
            options, label=label, clearable=True, on_change=lambda event: self._narrow(field, event.value)
        )
        chosen.props("outlined dense options-dense").style("min-width: 9.5rem")

    async def _narrow(self, field: str, value: Any) -> None:
        self._wanted = FleetFilter.model_validate(self._wanted.model_dump() | {field: value})
        self._table.exports(_export_of(self._wanted))
        await self.refresh()


def _figures_of(found: FleetSummary) -> list[Figure]:
    bad = sum(times for severity, times in found.alerts.items() if severity == "critical")
    rate = found.verification_pass_rate
    unread = f", {found.never_read} never read" if found.never_read else ""
    return [
        Figure("Accounts", str(found.accounts), f"{found.active} active in 24 h{unread}"),
        Figure(
            "Need a look",
            str(found.with_concerns),
            "all is right" if not found.with_concerns else f"of {found.accounts} accounts",
            Tone.WARN if found.with_concerns else Tone.GOOD,
        ),
        Figure(
            "Positions",
            f"{found.positions} / {found.positions_max}",
            f"entries stop above {found.entries_stop_above}",
            Tone.BAD if found.positions > found.entries_stop_above else Tone.PLAIN,
        ),
        Figure("At their cap", str(found.at_cap), "no entry there"),
        Figure(
            "Alerts",
            str(sum(found.alerts.values())),
            ", ".join(f"{times} {severity}" for severity, times in found.alerts.items()) or "nothing stands",
            Tone.BAD if bad else Tone.WARN if found.alerts else Tone.GOOD,
        ),
        Figure(
            "Verification",
            "never" if rate is None else f"{rate:.0%}",
            "nija verify" if found.last_verification is None else ago(found.last_verification, found.told_at),
            Tone.PLAIN if rate is None else Tone.GOOD if rate == 1 else Tone.BAD,
        ),
    ]


def _export_of(wanted: FleetFilter) -> str:
    narrowed = wanted.model_dump(mode="json", exclude_defaults=True)
    words = "&".join(f"{name}={str(value).lower()}" for name, value in narrowed.items())
    return "/api/fleet/export" + (f"?{words}" if words else "")
