"""Normalise from the page: plan, look, confirm, watch it happen, see the result. Nothing is sent before that yes."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from nicegui import ui

from desk.actions import normalise
from desk.actions.normalise import RunStarted
from desk.desk import Desk
from desk.listing import Tone
from desk.pages.parts import Empty, ask_why, button, notice, panel, tag, text
from desk.pages.shell import done
from desk.pages.table import Table
from desk.views.account_listings import ACTIONS, ORDERS, PLANNED, SKIPS
from desk.views.fleet_listing import STATUS
from desk.views.runs import RunProgress, progress
from models.errors import NijaError
from models.order_report import OrderReport
from models.people import Role, Who
from models.report import AccountReport, ActionReport, SkipReport

_LOOK_SECONDS = 1.0
_NOTHING = Empty("Nothing.")


class NormalisePanel:
    """The part of an account's page that plans and applies."""

    def __init__(self, desk: Desk, who: Who, account: str) -> None:
        self._desk, self._who, self._account = desk, who, account
        self._plan: AccountReport | None = None
        self._run: RunStarted | None = None
        may_act = who.role.reaches(Role.OPERATOR)
        with panel("Normalise") as self._head:
            head = self._head
            if may_act:
                with head:
                    ui.element("span").classes("grow")
                    self._planning = button("Plan", self._make_plan, look="main small")
            with ui.element("div").classes("panel-body") as self._body:
                words = "Plan reads the account at its venue and shows what its policy would change; nothing is sent."
                text("p", words if may_act else "An operator can plan here, and have the plan applied.", "muted")
        self._timer = ui.timer(_LOOK_SECONDS, self._look, active=False)

    async def refresh(self) -> None:
        """Look at the run that goes on, where one does."""
        if self._run is not None and self._timer.active:
            await self._look()

    async def _make_plan(self) -> None:
        self._planning.disable()
        self._planning.props("loading")
        try:
            await done(self._planned(), f"{self._account}: planned")
        finally:
            self._planning.enable()
            self._planning.props(remove="loading")

    async def _planned(self) -> None:
        self._run, self._timer.active = None, False
        self._plan = await normalise.make_plan(self._desk, self._who, self._account)
        self._body.clear()
        with self._body:
            self._show_plan(self._plan)

    def _show_plan(self, plan: AccountReport) -> None:
        with ui.element("div").classes("buttons"):
            tag(plan.status.value, STATUS.get(plan.status.value, Tone.PLAIN))
            read = "" if plan.positions_before is None else f"{plan.positions_before} of {plan.cap} positions; "
            expires = "" if plan.plan_expires_at is None else f"; good until {plan.plan_expires_at:%H:%M:%S} UTC"
            text("span", f"{read}plan {plan.plan_hash or 'none'}{expires}", "muted")
        for error in plan.errors:
            notice(f"{error.code}: {error.symbol or ''} {error.message}".replace("  ", " "), Tone.WARN)
        if plan.plan_hash is None:
            return
        if not plan.actions:
            notice("There is nothing to do: the account is as its policy wants it.", Tone.GOOD)
        else:
            with ui.element("div").classes("buttons"):
                button("Apply this plan", self._apply, look="main")
                text("strong", _sum_of(plan.actions))
                text("span", "Exactly this plan is applied; one that differs by then is refused.", "muted")
            planned = Table[ActionReport](PLANNED, label="What the plan does", empty=_NOTHING, rows_on_a_page=10)
            planned.show(plan.actions)
        self._show_skips(plan)

    @staticmethod
    def _show_skips(plan: AccountReport) -> None:
        if plan.skipped:
            with ui.expansion(f"Left alone: {len(plan.skipped)}").props("dense").style("width: 100%"):
                table = Table[SkipReport](SKIPS, label="What is left alone", empty=_NOTHING)
                table.show(plan.skipped)

    async def _apply(self) -> None:
        plan = self._plan
        if plan is None or plan.plan_hash is None:
            return
        orders = sum(action.client_order_id is not None for action in plan.actions)
        words = f"{orders} {'order' if orders == 1 else 'orders'} will be sent with {self._account}'s keys."
        why = await ask_why(f"Apply plan {plan.plan_hash[:12]}?", words, yes="Send the orders", look="danger")
        if why is not None:
            with self._head:  # the button that was pressed goes with the plan
                await done(self._start(plan.plan_hash, why), f"{self._account}: handed to Prefect")
                ui.run_javascript(f'getHtmlElement({self._head.id}).scrollIntoView({{block: "center"}})')

    async def _start(self, plan_hash: str, why: str) -> None:
        self._run = await normalise.apply_plan(self._desk, self._who, self._account, plan_hash, why)
        self._plan = None
        self._timer.active = True
        await self._look()

    async def _look(self) -> None:
        """Show how the run goes on, until it is over."""
        run = self._run
        if run is None:
            self._timer.active = False
            return
        try:
            found = await progress(self._desk, self._account, UUID(run.flow_run_id))
        except NijaError as error:
            self._body.clear()
            with self._body:
                notice(f"{error.code}: {error}", Tone.WARN)
            return
        if found.is_over and (found.report is not None or found.state != "Completed"):
            self._timer.active = False
        self._body.clear()
        with self._body:
            self._show_run(found)

    def _show_run(self, found: RunProgress) -> None:
        with ui.element("div").classes("buttons"):
            if not found.is_over:
                ui.spinner(size="1.25rem")
            tag(found.state, Tone.GOOD if found.state == "Completed" else Tone.BAD if found.is_over else Tone.INFO)
            ui.link("See the run in Prefect", found.url, new_tab=True)
        if found.message:
            text("p", found.message, "muted")
        if found.report is None:
            table = Table[OrderReport](ORDERS, label="Orders so far", empty=Empty("No order yet."))
            table.show(found.orders)
            return
        self._show_result(found.report)

    def _show_result(self, report: AccountReport) -> None:
        with ui.element("div").classes("buttons"):
            text("strong", "Result")
            tag(report.status.value, STATUS.get(report.status.value, Tone.PLAIN))
            text(
                "span", f"{report.positions_before} positions before, {report.positions_after} after; cap {report.cap}"
            )
        for error in report.errors:
            notice(f"{error.code}: {error.symbol or ''} {error.message}".replace("  ", " "), Tone.WARN)
        table = Table[ActionReport](
            ACTIONS, label="What was done", empty=Empty("Nothing was to be done."), rows_on_a_page=10
        )
        table.show(report.actions)
        self._show_skips(report)


def _sum_of(actions: Sequence[ActionReport]) -> str:
    """Say how many of each kind there are."""
    counts = Counter(action.kind.value.replace("_", " ") for action in actions)
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())
