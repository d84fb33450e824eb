"""One account: what it holds, what stops it, what a plan would do, and what was done."""

from fastapi import Request
from nicegui import ui

from brokers.venues import capabilities_of
from desk.actions import stops
from desk.desk import Desk, desk_of
from desk.equity_picture import equity_picture
from desk.listing import Tone
from desk.pages.live import PATIENCE, follow
from desk.pages.normalise import NormalisePanel
from desk.pages.parts import Empty, Figure, ask_why, button, figures, notice, panel, text
from desk.pages.shell import done, shell
from desk.pages.stops import StopsPanel
from desk.pages.table import RowAction, Table
from desk.views import accounts as views
from desk.views.account_listings import ORDERS, POSITIONS
from desk.views.accounts import AccountPosition, AccountView
from desk.views.fleet import TOPICS
from desk.views.fleet_listing import FRESHNESS, HEALTH, STATUS, balance_words, concern_words, tone_of
from models.amounts import money
from models.errors import NotFound
from models.order_report import OrderReport
from models.people import Role, Who

_SPANS = {1: "1 day", 7: "7 days", 30: "30 days", 365: "1 year"}
_MOST_ORDERS = 500


@ui.page("/accounts/{account_id}", response_timeout=PATIENCE)
async def account_page(request: Request, account_id: str) -> None:
    """Show one account of a desk."""
    desk = desk_of(request)
    with shell(request, account_id, lead=_lead(desk, account_id)) as (_desk, who):
        try:
            shown = await views.account_view(desk, account_id)
        except NotFound:
            notice(f"There is no account {account_id!r} in {desk.fleet.path}.", Tone.WARN)
            return
        page = _Account(desk, who, shown)
        await page.refresh()
        follow(desk, request, (*TOPICS, "position_configs", "fills", "snapshots"), page.refresh)


class _Account:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who, shown: AccountView) -> None:
        self._desk, self._who, self._id, self._quote = desk, who, shown.account.account, shown.quote
        self._days = 7
        may_act = who.role.reaches(Role.OPERATOR)
        self._halts = ui.element("div").style("width: 100%; display: grid; gap: .5rem")
        self._figures = ui.element("div").style("width: 100%")
        self._normalise = NormalisePanel(desk, who, self._id)
        with panel("Positions"):
            self._positions = self._position_table(may_act=may_act)
        with panel("Equity over time") as head:
            with head:
                ui.element("span").classes("grow")
                span = ui.select(_SPANS, value=self._days, on_change=lambda event: self._spans(int(event.value)))
                span.props('outlined dense options-dense aria-label="Span of time"')
            with ui.element("div").classes("panel-body"):
                self._equity = ui.html("", sanitize=False).classes("chart chart-wide")
                self._no_equity = text("p", "No read of this account in that time: nija balances", "muted")
        with panel("Orders"):
            self._orders = Table[OrderReport](
                ORDERS,
                label="Orders of the ledger",
                export=f"/api/accounts/{self._id}/orders/export",
                empty=Empty("Nothing was sent for this account yet.", "Plan above, and confirm what you see."),
                sort="at",
                descending=True,
                rows_on_a_page=10,
            )
        self._stops = StopsPanel(desk, who, self._id, self._quote, changed=self.refresh)

    async def refresh(self) -> None:
        """Show what the store knows now."""
        try:
            shown = await views.account_view(self._desk, self._id)
        except NotFound:  # it left the fleet file
            ui.navigate.to("/")
            return
        self._halts.clear()
        self._halts.set_visibility(bool(shown.halts))
        with self._halts:
            self._tell_halts(shown)
        self._figures.clear()
        with self._figures:
            figures(_figures_of(shown))
        self._positions.show(shown.positions)
        self._stops.show(shown.frozen, shown.blacklist)
        self._orders.show(
            await views.account_orders(self._desk, self._id, state=None, undecided=False, limit=_MOST_ORDERS)
        )
        await self._draw()
        await self._normalise.refresh()

    def _position_table(self, *, may_act: bool) -> Table[AccountPosition]:
        freeze = RowAction[AccountPosition]("freeze", "Freeze", self._freeze)
        mark = RowAction[AccountPosition]("mark", "Blacklist", self._mark, when=lambda held: not held.blacklisted)
        return Table(
            POSITIONS,
            label=f"Positions, values in {self._quote}",
            export=f"/api/accounts/{self._id}/positions/export",
            empty=Empty(
                "Nothing is held, or nobody has read it yet.", "Plan above, or read the balance:", "nija balances"
            ),
            actions=(freeze, mark) if may_act else (),
            rows_on_a_page=10,
        )

    def _tell_halts(self, shown: AccountView) -> None:
        for halt in shown.halts:
            with notice(f"Halted since {halt.halted_at:%Y-%m-%d %H:%M} UTC: {halt.detail}.", Tone.BAD):
                text("span", f"{halt.cause.value}; clears when {halt.clears_when}. Exits go on.", "muted")
        if shown.halts and self._who.role.reaches(Role.OPERATOR):
            with ui.element("div").classes("buttons"):
                button("Resume", self._resume, look="main")

    async def _resume(self) -> None:
        words = "Entries are allowed again, as far as nothing else stops them."
        why = await ask_why(f"Resume {self._id}", words, yes="Resume")
        if why is not None:
            await done(stops.resume(self._desk, self._who, self._id, why), f"{self._id}: resumed")
            await self.refresh()

    async def _freeze(self, held: AccountPosition) -> None:
        words = "No entry into it until a person unfreezes it. It may still be sold."
        why = await ask_why(f"Freeze {held.symbol}", words, yes="Freeze")
        if why is not None:
            await done(stops.freeze(self._desk, self._who, self._id, held.symbol, why), f"{held.symbol}: frozen")
            await self.refresh()

    async def _mark(self, held: AccountPosition) -> None:
        words = "It is left where it is: neither sold nor converted for being dust or small."
        why = await ask_why(f"Put {held.symbol} on the blacklist", words, yes="Put on the blacklist")
        if why is not None:
            await done(
                stops.mark(self._desk, self._who, self._id, held.symbol, why), f"{held.symbol}: on the blacklist"
            )
            await self.refresh()

    async def _spans(self, days: int) -> None:
        self._days = days if days in _SPANS else 7
        await self._draw()

    async def _draw(self) -> None:
        points = await views.equity(self._desk, self._id, days=self._days)
        self._equity.set_content(equity_picture(points, self._quote))
        self._equity.set_visibility(bool(points))
        self._no_equity.set_visibility(not points)


def _lead(desk: Desk, account_id: str) -> str:
    """Say whose account it is, and where."""
    found = next((one for one in desk.fleet.accounts if one.id == account_id), None)
    if found is None:
        return ""
    owner = f" of {found.owner}" if found.owner else ""
    policy, name = desk.fleet.policies[found.id], found.policy or "the defaults"
    limits = f"cap {policy.max_positions}, dust under {money(policy.dust_threshold_usd)}"
    where = f"{found.kind.value.capitalize()} account{owner} at {capabilities_of(found.venue).name}, in {found.quote}."
    return f"{where} Policy {name}: {limits}, least position {money(policy.minimum_position_usd)}."


def _figures_of(shown: AccountView) -> list[Figure]:
    account, balance = shown.account, shown.account.balance
    now = balance.read_at
    positions = "?" if account.positions is None else str(account.positions)
    over = account.positions is not None and account.positions > account.cap
    breaker = "not asked" if account.breaker is None else account.breaker.value
    seen = "never" if account.last_seen is None else f"{account.last_run}, {account.last_seen:%Y-%m-%d %H:%M} UTC"
    return [
        Figure("Status", account.status or "not run yet", seen, STATUS.get(account.status or "", Tone.PLAIN)),
        Figure(
            "Needs a look", concern_words(account) or "nothing", "", tone_of(account) if account.concerns else Tone.GOOD
        ),
        Figure(
            "Positions",
            f"{positions} / {account.cap}",
            f"{account.dust or 0} dust, {len(account.unvalued)} unvalued",
            Tone.BAD if over else Tone.PLAIN,
        ),
        Figure(
            "Equity",
            balance.equity or "unknown",
            shown.quote if now is None else f"{shown.quote}, {balance_words(account)}",
        ),
        Figure(
            "Cash",
            balance.cash_total or "unknown",
            f"{balance.cash_free or '?'} free",
            FRESHNESS[balance.state] if balance.state.value != "fresh" else Tone.PLAIN,
        ),
        Figure(
            "Way to the venue",
            breaker,
            f"{account.venue}{', simulated' if shown.simulated else ''}",
            Tone.PLAIN if account.breaker is None else HEALTH[account.breaker],
        ),
    ]
