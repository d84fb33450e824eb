"""What stops symbols of an account: freezes and the blacklist, with what a person does about them."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from desk.actions import stops
from desk.desk import Desk
from desk.pages.parts import Empty, ask_why, button, heading, panel, text
from desk.pages.shell import done
from desk.pages.table import RowAction, Table
from desk.views.account_listings import BLACKLIST, FROZEN
from models.decision_report import BlacklistedSymbol, FrozenSymbol
from models.people import Role, Who
from models.reasons import FreezeState

_FREEZE, _MARK = "Freeze", "Blacklist"


class StopsPanel:
    """Two tables side by side where there is room, and the form that puts a symbol into one of them."""

    def __init__(
        self, desk: Desk, who: Who, account: str, quote: str, *, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._desk, self._who, self._account, self._quote, self._changed = desk, who, account, quote, changed
        may_act = who.role.reaches(Role.OPERATOR)
        with ui.element("div").classes("two wide"):
            with panel("Frozen symbols") as head:
                if may_act:
                    self._adds(head, "Freeze a symbol", _FREEZE)
                thaw = RowAction[FrozenSymbol](
                    "thaw", "Unfreeze", self._unfreeze, when=lambda one: one.state is not FreezeState.COUNTING
                )
                self._frozen = Table[FrozenSymbol](
                    FROZEN,
                    label="Frozen symbols",
                    empty=Empty(
                        "No symbol is frozen.", "A symbol whose price fails again and again comes here by itself."
                    ),
                    actions=(thaw,) if may_act else (),
                )
            with panel("Blacklist") as head:
                if may_act:
                    self._adds(head, "Add a symbol", _MARK)
                take_off = RowAction[BlacklistedSymbol]("off", "Take off", self._unmark)
                self._marked = Table[BlacklistedSymbol](
                    BLACKLIST,
                    label="Blacklist",
                    empty=Empty("Nothing is left where it is.", "Dust that cannot be sold comes here by itself."),
                    actions=(take_off,) if may_act else (),
                )

    def show(self, frozen: Sequence[FrozenSymbol], marked: Sequence[BlacklistedSymbol]) -> None:
        """Show these in the place of those before."""
        self._frozen.show(frozen)
        self._marked.show(marked)

    def _adds(self, head: ui.element, words: str, what: str) -> None:
        with head:
            ui.element("span").classes("grow")
            button(words, lambda: self._add(what), look="small")

    async def _add(self, what: str) -> None:
        with ui.dialog() as dialog, ui.card().classes("dialog").props('role="document"'):
            heading(f"{what} a symbol of {self._account}")
            with ui.element("div").classes("form"):
                symbol = ui.input(f"Symbol, as in ETH/{self._quote}").props("outlined dense autofocus")
                reason = ui.input("Reason").props("outlined dense maxlength=500")
            complaint = text("p", "", "complaint").props('role="alert"')

            def give() -> None:
                if (symbol.value or "").strip() and (reason.value or "").strip():
                    dialog.submit((symbol.value.strip(), reason.value.strip()))
                else:
                    complaint.set_text("Both are needed: the symbol, and why.")

            with ui.element("div").classes("buttons"):
                button(what, give, look="main")
                button("Cancel", lambda: dialog.submit(None))
        try:
            given = await dialog
        finally:
            dialog.delete()
        if given:
            act = stops.freeze if what == _FREEZE else stops.mark
            await done(act(self._desk, self._who, self._account, *given), f"{given[0]}: done")
            await self._changed()

    async def _unfreeze(self, one: FrozenSymbol) -> None:
        words = "Entries into it are allowed again. Where its price still fails, the count begins anew."
        why = await ask_why(f"Unfreeze {one.symbol}", words, yes="Unfreeze")
        if why is not None:
            await done(stops.unfreeze(self._desk, self._who, self._account, one.symbol, why), f"{one.symbol}: unfrozen")
            await self._changed()

    async def _unmark(self, one: BlacklistedSymbol) -> None:
        why = await ask_why(
            f"Take {one.symbol} off the blacklist", "The next run judges it like any other.", yes="Take off"
        )
        if why is not None:
            await done(
                stops.unmark(self._desk, self._who, self._account, one.symbol, why), f"{one.symbol}: off the list"
            )
            await self._changed()
