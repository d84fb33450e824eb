"""The trade journal: written, searched, edited. Of two who edit one entry, the second sees what the first wrote."""

from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from pydantic import ValidationError

from desk.actions import journal as actions
from desk.actions.journal import SavedEntry
from desk.desk import Desk
from desk.pages.live import follow
from desk.pages.parts import Empty, ask, button, dialog_named, panel, text
from desk.pages.shell import done, shell
from desk.pages.table import RowAction, Table
from desk.views import journal as views
from desk.views.journal import JournalReport
from models.errors import EditedMeanwhile, NijaError
from models.journal import JournalFilter
from models.people import Role, Who

_EXPORT = "/api/trade_journal/list/export"
_LONGEST_ID = 64
_RATINGS = {1: "1 star", 2: "2 stars", 3: "3 stars", 4: "4 stars", 5: "5 stars"}


@ui.page("/trade_journal")
async def journal_page(request: Request) -> None:
    """Show the trade journal."""
    with shell(request, "Trade journal", lead="Why a trade was entered, how it ended, and what it taught.") as (
        desk,
        who,
    ):
        page = _Journal(desk, who, order=request.query_params.get("order", "")[:_LONGEST_ID])
        await page.refresh()
        follow(desk, request, ("trade_journal",), page.refresh)


class _Journal:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who, *, order: str) -> None:
        self._desk, self._who, self._order = desk, who, order
        self._about = text("p", "", "muted")
        may_write = who.role.reaches(Role.OPERATOR)
        with panel("Entries") as head:
            with head:
                ui.element("span").classes("grow")
                if may_write:
                    button("New entry", self._new, look="main small")
            acts = (
                RowAction[JournalReport]("edit", "Edit", self._edit),
                RowAction[JournalReport]("delete", "Delete", self._delete, tone="danger"),
            )
            self._table = Table(
                views.JOURNAL,
                label="Journal entries",
                export=_EXPORT,
                actions=acts if may_write else (),
                narrowing=self._narrowing,
                named=lambda entry: f"entry {entry.entry_id} {entry.symbol}".strip(),
                empty=Empty(
                    "No entry is here.", "Write down why a trade is entered before it ends, and what it taught after."
                ),
            )

    def _narrowing(self) -> None:
        accounts = [account.id for account in self._desk.fleet.accounts]
        self._account = ui.select(accounts, label="Account", clearable=True, on_change=self.refresh)
        self._rating = ui.select(_RATINGS, label="Rated at least", clearable=True, on_change=self.refresh)
        for field in (self._account, self._rating):
            field.props("outlined dense options-dense").style("min-width: 11rem")
        self._unfinished = ui.switch("Without lessons yet", on_change=self.refresh).props("dense")

    async def refresh(self) -> None:
        """Show what the store has now of what is asked for."""
        rating = self._rating.value
        wanted = JournalFilter(
            account=self._account.value or "",
            order=self._order,
            least_rating=rating,
            unfinished=bool(self._unfinished.value),
        )
        found, _ = await views.entries(self._desk, wanted)
        asked = {
            "account": wanted.account,
            "order": wanted.order,
            "least_rating": rating,
            "unfinished": "true" if wanted.unfinished else "",
        }
        narrowed = urlencode({name: value for name, value in asked.items() if value})
        self._table.exports(f"{_EXPORT}?{narrowed}" if narrowed else _EXPORT)
        self._table.show(found)
        about = await views.order_in_words(self._desk, self._order)
        self._about.set_text(f"Entries about one order: {about or self._order}" if self._order else "")
        self._about.set_visibility(bool(self._order))

    async def _new(self) -> None:
        await self._write(None)

    async def _edit(self, entry: JournalReport) -> None:
        await self._write(entry)

    async def _write(self, entry: JournalReport | None) -> None:
        form = _EntryForm(self._desk, self._who)
        await form.load(entry, about=self._order)
        if await form.asked():
            await self.refresh()

    async def _delete(self, entry: JournalReport) -> None:
        words = "The audit log keeps what it said."
        if await ask(f"Delete entry {entry.entry_id}?", words, yes="Delete", look="danger"):
            act = actions.delete(self._desk, self._who, entry.entry_id, entry.version)
            await done(act, f"Entry {entry.entry_id}: deleted")
            await self.refresh()


class _EntryForm:
    """The form of an entry: what is known before the trade, then what is known after it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._entry_id: int | None = None
        self._version: int | None = None
        with dialog_named("Journal entry") as self._dialog:
            self._title = text("h2", "New entry")
            with ui.element("div").classes("form pairs"):
                accounts = [account.id for account in desk.fleet.accounts]
                self._account = ui.select(accounts, label="Account", clearable=True, new_value_mode="add-unique")
                self._symbol = ui.input("Symbol, as in BTC/USD")
                text("h3", "Before the trade", "wide")
                self._entry_order = ui.select({}, label="Entry order, of the ledger", clearable=True, with_input=True)
                self._confidence = ui.select(
                    {n: f"{n} of 10" for n in range(1, 11)}, label="Confidence", clearable=True
                )
                self._entry_reason = ui.textarea("Why it is entered").classes("wide")
                text("h3", "After the trade", "wide")
                self._exit_order = ui.select({}, label="Exit order, of the ledger", clearable=True, with_input=True)
                self._rating = ui.select(_RATINGS, label="Rating", clearable=True)
                self._exit_reason = ui.textarea("Why it ended").classes("wide")
                self._lessons = ui.textarea("What it taught").classes("wide")
            fields = (self._account, self._symbol, self._entry_order, self._confidence, self._exit_order, self._rating)
            for field in fields:
                field.props("outlined dense options-dense")
            for words in (self._entry_reason, self._exit_reason, self._lessons):
                words.props("outlined dense autogrow maxlength=10000")
            self._complaint = text("p", "", "complaint").props('role="alert"')
            with ui.element("div").classes("buttons"):
                button("Save", self._save, look="main")
                button("Cancel", lambda: self._dialog.submit(None))
                self._theirs = button("Show theirs", self._take_theirs)
                self._mine = button("Keep mine", self._keep_mine, look="danger")
        self._quarrel(is_on=False)

    async def load(self, entry: JournalReport | None, *, about: str = "") -> None:
        """Fill the form with an entry; None: it is a new one, about an order where one is named."""
        orders = {o.client_order_id: views.order_words(o) for o in await views.orders_to_choose(self._desk)}
        for order in (about,) if entry is None else (entry.entry_order, entry.exit_order):
            if order and order not in orders:
                orders[order] = await views.order_in_words(self._desk, order) or order
        self._entry_order.set_options(orders)
        self._exit_order.set_options(orders)
        if entry is None:
            self._exit_order.value = about or None
            return
        self._entry_id, self._version = entry.entry_id, entry.version
        self._title.set_text(f"Entry {entry.entry_id}")
        if entry.account and entry.account not in self._account.options:
            self._account.set_options([*self._account.options, entry.account])
        self._account.value = entry.account or None
        self._symbol.value = entry.symbol
        self._entry_order.value = entry.entry_order or None
        self._exit_order.value = entry.exit_order or None
        self._confidence.value, self._rating.value = entry.confidence, entry.rating
        self._entry_reason.value, self._exit_reason.value = entry.entry_reason, entry.exit_reason
        self._lessons.value = entry.lessons

    async def asked(self) -> bool:
        """Show the form; return whether something was saved."""
        try:
            return bool(await self._dialog)
        finally:
            self._dialog.delete()

    async def _save(self) -> None:
        try:
            saved = SavedEntry(
                entry_id=self._entry_id,
                version=self._version,
                account=self._account.value or "",
                symbol=(self._symbol.value or "").upper(),
                entry_order=self._entry_order.value or "",
                exit_order=self._exit_order.value or "",
                entry_reason=self._entry_reason.value or "",
                confidence=self._confidence.value,
                exit_reason=self._exit_reason.value or "",
                lessons=self._lessons.value or "",
                rating=self._rating.value,
            )
            kept = await actions.save(self._desk, self._who, saved)
        except ValidationError as error:
            first = error.errors()[0]
            self._complaint.set_text(first["msg"].removeprefix("Value error, "))
        except EditedMeanwhile as error:
            self._complaint.set_text(f"{error.by} has changed this entry since you opened it. Nothing was overwritten.")
            self._quarrel(is_on=True)
        except NijaError as error:
            self._complaint.set_text(str(error))
        else:
            ui.notify(f"Entry {kept.entry_id}: saved", type="positive")
            self._dialog.submit(kept)

    async def _take_theirs(self) -> None:
        """Show the entry as it is now, in the place of what was written here."""
        if self._entry_id is not None:
            await self.load(await views.entry(self._desk, self._entry_id))
            self._complaint.set_text("This is what stands there now.")
            self._quarrel(is_on=False)

    async def _keep_mine(self) -> None:
        """Write over what is there now, knowingly."""
        if self._entry_id is not None:
            self._version = (await views.entry(self._desk, self._entry_id)).version
            self._quarrel(is_on=False)
            await self._save()

    def _quarrel(self, *, is_on: bool) -> None:
        self._theirs.set_visibility(is_on)
        self._mine.set_visibility(is_on)
