"""Data: the calendar of what is stored, what is missing, what was rejected and waits, and what an audit found."""

from datetime import date, datetime

from fastapi import Request
from nicegui import ui

from desk.actions import data as actions
from desk.desk import Desk
from desk.listing import Tone
from desk.pages.live import follow
from desk.pages.parts import Empty, Figure, ask_why, figures, panel, text
from desk.pages.shell import done, shell
from desk.pages.table import RowAction, Table
from desk.pictures import LEVELS, calendar
from desk.views import data as views
from models.history_report import CoverageReport, QuarantinedRow
from models.people import Role, Who

_TOPICS = ("history_batches", "history_quarantine", "history_audits", "fleet")
_DRAWN = 24  # calendars on one page
_NEWEST = "the newest"
_AUDIT_EMPTY = Empty("The history was never audited.", "Hold it to what is expected of it:", "nija history audit")
_NOTHING = Empty(
    "No history is stored, and none is wanted.",
    "Name series in the fleet file's section history, or collect one by hand:",
    "nija history collect --source kraken --symbol BTC/USD --timeframe 1h --since 90d",
)


@ui.page("/data")
async def data_page(request: Request) -> None:
    """Show what is stored of history."""
    with shell(request, "Data", lead="What is stored of history, and what it is worth.") as (desk, who):
        page = _Data(desk, who)
        await page.refresh()
        follow(desk, request, _TOPICS, page.refresh)


class _Data:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._report = CoverageReport(series=[])
        self._figures = ui.element("div")
        with panel("Coverage") as head:
            with head:
                ui.element("span").classes("grow")
                self._year = ui.select([_NEWEST], value=_NEWEST, label="Year", on_change=self._draw)
                self._year.props("outlined dense options-dense").style("min-width: 8rem")
            with ui.element("div").classes("panel-body"):
                self._legend()
                self._calendars = ui.element("div").classes("calendars")
        with panel("Series"):
            self._series = Table(
                views.SERIES, label="Series", export="/api/data/coverage/export", empty=_NOTHING, sort="name"
            )
        with panel("Gaps"):
            self._gaps = Table(
                views.GAPS,
                label="Gaps",
                export="/api/data/gaps/export",
                empty=Empty("Nothing is missing.", "Each time without a candle and without a reason would stand here."),
            )
        with panel("Quarantine") as head:
            with head:
                ui.element("span").classes("grow")
                self._decided = ui.switch("What was decided, too", on_change=self.refresh).props("dense")
            self._quarantine = self._quarantine_table()
        with panel("Audit") as head:
            with head:
                self._verdict = text("span", "", "tag")
            self._audit = Table(views.AUDIT, label="Audit", export="/api/data/audit/export", empty=_AUDIT_EMPTY)

    async def refresh(self) -> None:
        """Show what the store knows now."""
        self._report = await views.coverage(self._desk)
        found = await views.gaps(self._desk)
        waiting = await views.quarantine(self._desk, everything=bool(self._decided.value))
        audit = await views.audit(self._desk)
        self._series.show(self._report.series)
        self._gaps.show(found.gaps)
        self._quarantine.show(waiting)
        self._audit.show(audit.lines)
        word = "" if audit.finished_at is None else f"{audit.expectations - audit.failures} of {audit.expectations} met"
        self._verdict.set_text(word)
        self._verdict.set_visibility(bool(word))
        self._verdict.classes(replace=f"tag {Tone.GOOD.value if audit.passed else Tone.BAD.value}")
        self._years()
        self._figures.clear()
        with self._figures:
            figures(self._numbers(found.missing, sum(row.decision is None for row in waiting), audit.finished_at))
        self._draw()

    def _numbers(self, missing: int, waiting: int, audited: datetime | None) -> list[Figure]:
        series = self._report.series
        there, possible = sum(s.there for s in series), sum(s.expected - s.absent for s in series)
        share = "nothing wanted" if possible <= 0 else f"{there / possible:.2%}"
        return [
            Figure("Series", f"{len(series):,}"),
            Figure("Candles stored", f"{there:,}", f"of {possible:,} that can be there"),
            Figure("Coverage", share),
            Figure("Missing", f"{missing:,}", "without a reason", Tone.BAD if missing else Tone.GOOD),
            Figure("In quarantine", f"{waiting:,}", "wait for a person", Tone.WARN if waiting else Tone.PLAIN),
            Figure("Last audit", "never" if audited is None else f"{audited:%Y-%m-%d}"),
        ]

    def _years(self) -> None:
        years = sorted({str(s.days[end].day.year) for s in self._report.series if s.days for end in (0, -1)})
        span = range(int(years[0]), int(years[-1]) + 1) if years else range(0)
        self._year.set_options([_NEWEST, *(str(year) for year in reversed(span))], value=self._year.value)

    def _draw(self) -> None:
        until = None if self._year.value in {None, _NEWEST} else date(int(self._year.value), 12, 31)
        self._calendars.clear()
        with self._calendars:
            for one in self._report.series[:_DRAWN]:
                with ui.element("figure").classes("chart").style("margin:0"):
                    text("figcaption", one.name)
                    ui.html(calendar(one, until=until), sanitize=False).classes("scroll-x")
            if len(self._report.series) > _DRAWN:
                text("p", f"and {len(self._report.series) - _DRAWN} more: see the series below", "muted")
            if not self._report.series:
                with ui.element("div").classes("empty"):
                    _NOTHING.build()

    def _legend(self) -> None:
        with ui.element("div").classes("legend"):
            for level, words in LEVELS:
                with ui.element("span").classes("key"):
                    ui.element("i").classes(level)
                    text("span", words)

    def _quarantine_table(self) -> Table[QuarantinedRow]:
        acts = (
            RowAction[QuarantinedRow]("release", "Release", self._release, when=lambda row: row.decision is None),
            RowAction[QuarantinedRow]("drop", "Drop", self._drop, when=lambda row: row.decision is None, tone="danger"),
        )
        return Table(
            views.QUARANTINE,
            label="Quarantine",
            export="/api/data/quarantine/export",
            actions=acts if self._who.role.reaches(Role.OPERATOR) else (),
            named=lambda row: f"row {row.row_id}",
            empty=Empty("Nothing is in quarantine.", "A row that breaks its contract waits here for a person."),
        )

    async def _release(self, row: QuarantinedRow) -> None:
        why = await ask_why(f"Release row {row.row_id}", "It takes the place of what stands there.", yes="Release")
        if why is not None:
            await self._decide(row, why, released=True)

    async def _drop(self, row: QuarantinedRow) -> None:
        why = await ask_why(f"Drop row {row.row_id}", "It stays kept, and waits no more.", yes="Drop", look="danger")
        if why is not None:
            await self._decide(row, why, released=False)

    async def _decide(self, row: QuarantinedRow, why: str, *, released: bool) -> None:
        async def act() -> None:
            decide = actions.release if released else actions.drop
            decided = await decide(self._desk, self._who, [row.row_id], why)
            for left in decided.left:
                ui.notify(f"Row {left.row_id}: left as it is, {left.why}", type="warning")

        await done(act(), f"Row {row.row_id}: decided")
        await self.refresh()
