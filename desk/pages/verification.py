"""Verification: how the pass rate went, what the last one found, and every one that is kept."""

from fastapi import Request
from nicegui import ui

from desk.desk import Desk
from desk.listing import Tone
from desk.pages.live import follow
from desk.pages.parts import Empty, Figure, figures, notice, panel, text
from desk.pages.shell import shell
from desk.pages.table import RowAction, Table
from desk.pictures import line
from desk.views import verification as views
from models.verification import KeptVerification

_NEVER = Empty(
    "Nothing was verified yet.",
    "Prove that the rules hold, and look at every account without changing anything; half a minute:",
    "nija verify",
)


@ui.page("/verification")
async def verification_page(request: Request) -> None:
    """Show what was verified."""
    lead = "Proof that the deployed rules hold, and a look at every account."
    with shell(request, "Verification", lead=lead) as (desk, _who):
        page = _Verification(desk)
        await page.refresh()
        follow(desk, request, ("verifications",), page.refresh)


class _Verification:
    """The page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shown: str | None = None  # which one; None: the newest
        self._figures = ui.element("div")
        self._failed = notice("", Tone.BAD)
        with panel("Pass rate"), ui.element("div").classes("panel-body"):
            self._chart = ui.element("div").classes("chart")
        with panel("Checks") as head:
            with head:
                self._which = text("span", "", "muted")
            self._checks = Table(
                views.CHECKS,
                label="Checks",
                export="/api/verifications/latest/export",
                empty=_NEVER,
                sort="verdict",
                rows_on_a_page=100,
            )
        with panel("Verifications"):
            see = RowAction[KeptVerification]("see", "See checks", self._see)
            self._history = Table(
                views.VERIFICATIONS,
                label="Verifications",
                export="/api/verifications/export",
                actions=(see,),
                named=lambda kept: f"{kept.started_at:%Y-%m-%d %H:%M}",
                empty=_NEVER,
            )

    async def refresh(self) -> None:
        """Show what is kept now."""
        kept = await views.history(self._desk)
        self._history.show(kept)
        self._figures.clear()
        self._chart.clear()
        if kept:
            last = kept[0]
            words = "; ".join(f"{check.title}: {check.code or check.found}" for check in last.failed_checks)
            self._failed.set_visibility(bool(last.failed_checks))
            self._failed.clear()
            with self._failed:
                text("span", f"The last verification failed: {words}")
            with self._figures:
                figures(_numbers(kept))
        else:
            self._failed.set_visibility(False)
        with self._chart:
            drawn = views.points(kept)
            if drawn:
                ui.html(
                    line(drawn, name="Pass rate over time", lowest=min(0.75, *(p.value for p in drawn))), sanitize=False
                )
            else:
                with ui.element("div").classes("empty"):
                    _NEVER.build()
        await self._show_checks()

    async def _see(self, kept: KeptVerification) -> None:
        self._shown = kept.run_id
        await self._show_checks()

    async def _show_checks(self) -> None:
        report = await views.one(self._desk, self._shown)
        self._checks.exports(f"/api/verifications/{self._shown or 'latest'}/export")
        self._which.set_text("" if report is None else f"{report.started_at:%Y-%m-%d %H:%M} UTC: {report.sentence}")
        self._checks.show([] if report is None else report.checks)


def _numbers(kept: list[KeptVerification]) -> list[Figure]:
    last = kept[0]
    rate = "nothing checked" if last.pass_rate is None else f"{last.pass_rate:.1%}"
    clean = sum(1 for one in kept if not one.failed and one.passed)
    return [
        Figure("Last", f"{last.finished_at:%Y-%m-%d}", f"{last.finished_at:%H:%M} UTC"),
        Figure("Pass rate", rate, tone=Tone.BAD if last.failed or not last.passed else Tone.GOOD),
        Figure("Failed", str(last.failed), f"{last.passed} passed", Tone.BAD if last.failed else Tone.PLAIN),
        Figure("Skipped", str(last.skipped)),
        Figure("Without a failure", f"{clean} of {len(kept)}", "that are kept"),
    ]
