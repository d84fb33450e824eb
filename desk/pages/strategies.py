"""Strategy comparison: two to four strategies on the same prices, their figures with the best marked, their curves."""

from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from pydantic import ValidationError

from desk.actions import strategies as actions
from desk.actions.strategies import CompareAsked
from desk.desk import Desk
from desk.listing import Tone
from desk.pages.curves import curves
from desk.pages.live import follow
from desk.pages.parts import Empty, Figure, button, figures, notice, panel, text
from desk.pages.shell import shell
from desk.pages.table import RowAction, Table
from desk.views import strategies as views
from desk.views.strategies import Comparison, ResultView
from models.errors import ConfigError, NijaError
from models.people import Role, Who

_MOST = 4
_PERCENT = 100
_NO_RESULTS = Empty(
    "Nothing was tested yet.", "Choose strategies and prices above, or test one by hand:", "nija backtest"
)
_NO_HISTORY = Empty(
    "No prices are stored.",
    "Collect some first:",
    "nija history collect --source kraken --symbol BTC/USD --timeframe 1h --since 365d",
)


@ui.page("/strategy_comparison")
async def strategies_page(request: Request) -> None:
    """Show strategies side by side."""
    lead = "What would have happened, on the same prices and with the same costs."
    with shell(request, "Strategy comparison", lead=lead) as (desk, who):
        page = _Strategies(desk, who)
        await page.refresh()
        follow(desk, request, ("backtests",), page.refresh)


class _Strategies:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._chosen: list[ResultView] = []
        self._series: ui.select | None = None
        if who.role.reaches(Role.OPERATOR):
            self._form()
        self._side = ui.element("div").classes("stack")
        with panel("Kept results") as head:
            with head:
                self._count = text("span", "", "muted")
                ui.element("span").classes("grow")
                self._compare = button("Compare chosen", self._compare_kept, look="main small")
                self._none = button("Choose none", self._choose_none, look="small")
            acts = (
                RowAction[ResultView]("choose", "Choose", self._choose, when=lambda row: row not in self._chosen),
                RowAction[ResultView](
                    "leave", "Chosen ✓", self._leave, when=lambda row: row in self._chosen, tone="main"
                ),
            )
            self._results = Table(
                views.RESULTS,
                label="Kept results",
                export="/api/strategies/results/export",
                actions=acts,
                named=lambda row: f"{row.label}, number {row.backtest_id}",
                empty=_NO_RESULTS,
                sort="backtest_id",
                descending=True,
                rows_on_a_page=10,
            )

    async def refresh(self) -> None:
        """Show what is kept now."""
        self._results.show(await views.results(self._desk))
        number = len(self._chosen)
        self._count.set_text(f"{number} of two to four chosen" if number else "choose two to four")
        self._compare.set_enabled(views.LEAST_COMPARED <= number <= _MOST)
        self._none.set_visibility(number > 0)
        if self._series is not None:
            self._series.set_options(await views.stored_series(self._desk), value=self._series.value)

    def _form(self) -> None:
        names = {one.name: f"{one.name}: {one.says}" for one in views.strategies() if not one.problem}
        with panel("Test on stored prices"), ui.element("div").classes("panel-body"):
            with ui.element("div").classes("form"):
                self._strategies = ui.select(names, label="Two to four strategies", multiple=True, value=[])
                self._strategies.props("use-chips").classes("wide")
                series = ui.select([], label="One series of prices, or two", multiple=True, value=[])
                self._series = series.props("use-chips").classes("wide")
                self._since = ui.input("Since, as in 365d")
                self._cash = ui.number("Cash to begin with", value=10_000, min=1)
                self._fee = ui.number("Fee of a side, %", value=0.2, min=0, max=50, step=0.01)
                self._slippage = ui.number("Slippage of a side, %", value=0.1, min=0, max=50, step=0.01)
                for field in (self._strategies, series, self._since, self._cash, self._fee, self._slippage):
                    field.props("outlined dense options-dense")
                self._short = ui.switch("Short positions, too").props("dense")
                self._gaps = ui.switch("Take prices with holes").props("dense")
            self._complaint = text("p", "", "complaint").props('role="alert"')
            with ui.element("div").classes("buttons"):
                self._run = button("Compare", self._compare_anew, look="main")
                self._running = text("span", "", "muted").props('role="status"')

    async def _compare_anew(self) -> None:
        self._complaint.set_text("")
        self._run.disable()
        self._running.set_text("testing; the first time takes some seconds more")
        try:
            compared = await actions.compare(self._desk, self._who, self._asked())
        except ValidationError as error:
            self._complaint.set_text(f"Strategies: {error.errors()[0]['msg']}")
        except NijaError as error:
            self._complaint.set_text(str(error))
        else:
            self._show(compared)
            await self.refresh()
        finally:
            self._run.enable()
            self._running.set_text("")

    def _asked(self) -> CompareAsked:
        """Return what was filled in. Raises: ValidationError; ConfigError where no prices are chosen."""
        chosen = [str(name).split(" ") for name in (self._series.value if self._series is not None else ())]
        if not chosen:
            raise ConfigError("Series", "none is chosen", "the prices that all are tested on")
        return CompareAsked(
            strategies=list(self._strategies.value),
            sources=list(dict.fromkeys(parts[0] for parts in chosen)),
            symbols=list(dict.fromkeys(parts[1] for parts in chosen)),
            timeframe=chosen[0][2],
            since=self._since.value or "",
            allow_gaps=bool(self._gaps.value),
            initial_cash=float(self._cash.value or 0),
            fee_fraction=float(self._fee.value or 0) / _PERCENT,
            slippage_fraction=float(self._slippage.value or 0) / _PERCENT,
            allow_short=bool(self._short.value),
        )

    async def _choose(self, row: ResultView) -> None:
        if len(self._chosen) == _MOST:
            ui.notify("Four are chosen already: choose none, or leave one.", type="warning")
            return
        self._chosen.append(row)
        await self.refresh()

    async def _leave(self, row: ResultView) -> None:
        self._chosen.remove(row)
        await self.refresh()

    async def _choose_none(self) -> None:
        self._chosen.clear()
        await self.refresh()

    async def _compare_kept(self) -> None:
        try:
            self._show(await views.comparison(self._desk, [row.backtest_id for row in self._chosen]))
        except NijaError as error:
            ui.notify(str(error), type="negative")

    def _show(self, compared: Comparison) -> None:
        """Show a comparison in the place of the one before."""
        listing = views.side_by_side(compared)
        names = [column.label for column in listing.columns[1:]]
        asked = urlencode([("ids", one.backtest_id) for one in compared.results])
        first = compared.results[0]
        self._side.clear()
        with self._side:
            if not compared.same_prices:
                notice("These were not tested on the same prices: what differs may be the prices.", Tone.WARN)
            figures([_verdict(name, one) for name, one in zip(names, compared.results, strict=True)])
            with panel("Side by side") as head:
                with head:
                    text(
                        "span", f"{first.prices}, {first.since:%Y-%m-%d} to {first.until:%Y-%m-%d}; ★ the best", "muted"
                    )
                table = Table(
                    listing,
                    label="Figures side by side",
                    export=f"/api/strategies/compare/export?{asked}",
                    empty=_NO_RESULTS,
                    rows_on_a_page=25,
                )
                table.show(compared.rows)
            with panel("Equity"), ui.element("div").classes("panel-body"):
                _legend(names)
                equity = [(name, [(p.at, p.equity) for p in c]) for name, c in zip(names, compared.curves, strict=True)]
                curves(equity, label="Equity of each strategy, 1 at the beginning")
            with panel("Drawdown"), ui.element("div").classes("panel-body"):
                _legend(names)
                falls = [
                    (name, [(p.at, p.drawdown) for p in c]) for name, c in zip(names, compared.curves, strict=True)
                ]
                curves(falls, label="Drawdown of each strategy", is_percent=True)


def _verdict(name: str, one: ResultView) -> Figure:
    return Figure(
        name,
        one.verdict,
        f"{one.points} of 100 points, {one.trades} trades",
        views.VERDICT_TONES.get(one.verdict, Tone.PLAIN),
    )


def _legend(names: list[str]) -> None:
    with ui.element("div").classes("legend"):
        for number, name in enumerate(names, start=1):
            with ui.element("span").classes("key"):
                ui.element("i").classes(f"stroke stroke-{number}")
                text("span", name)
