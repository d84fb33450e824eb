"""A table: sorted, filtered and turned page by page on the server, which alone knows all its rows; exported by the API.

A browser gets what it shows, so a push to a table of a thousand rows is as small as one of twenty.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from desk.listing import Kind, Listing, Tone
from desk.pages.grid import Grid
from desk.pages.parts import Empty, button

Row = TypeVar("Row")

ROWS_ON_A_PAGE = 25
_OPTIONS = [10, 25, 50, 100]


@dataclass(frozen=True)
class RowAction(Generic[Row]):
    """Something to do with one row. `when`: with which rows it can be done."""

    name: str
    label: str
    act: Callable[[Row], Awaitable[None] | None]
    when: Callable[[Row], bool] = lambda _row: True
    tone: str = ""


class Table(Generic[Row]):
    """One table on a page. `export`: where the API serves the same list as CSV; "": the page hands it over itself.

    `named`: how a row is called to somebody who does not see which one a button stands in. `narrowing`: builds what
    else the page narrows the list by, beside the filter; a list without rows then keeps its bar.
    """

    def __init__(
        self,
        listing: Listing[Row],
        *,
        label: str,
        empty: Empty,
        export: str = "",
        actions: Sequence[RowAction[Row]] = (),
        named: Callable[[Row], str] | None = None,
        sort: str = "",
        descending: bool = False,
        rows_on_a_page: int = ROWS_ON_A_PAGE,
        narrowing: Callable[[], None] | None = None,
    ) -> None:
        self._listing, self._empty, self._export = listing, empty, export
        self._actions = {action.name: action for action in actions}
        self._named = named or listing.key
        self._rows: dict[str, Row] = {}
        self._words, self._sort, self._descending = "", sort, descending
        self._page, self._rows_on_a_page = 1, rows_on_a_page
        self._usual = rows_on_a_page
        self._keeps_bar = narrowing is not None
        with ui.element("div").classes("table").props(f'role="group" aria-label="{label}"'):
            with ui.element("div").classes("table-bar") as self._bar:
                field = ui.input(placeholder="Filter", on_change=self._filtered).props("outlined dense debounce=200")
                field.props(f'aria-label="Filter: {label}" type="search"').classes("table-filter")
                if narrowing is not None:
                    narrowing()
                ui.element("span").classes("grow")
                self._count = ui.label().classes("table-count").props('role="status"')
                self._link = ui.link("CSV", self._address()).classes("btn-link") if export else None
                if self._link is not None:
                    self._link.props('download aria-label="Export as CSV what is filtered"')
                else:
                    save = button("CSV", self._save, look="small")
                    save.props('aria-label="Export as CSV what is filtered"')
            self._grid = self._build(label)
            with ui.element("div").classes("empty") as self._nothing:
                empty.build()
            self._no_match = ui.label("No row holds all of these words.").classes("empty")
        self.show([])

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows in the place of those before; filter, order and page stay as they are."""
        self._rows = {self._listing.key(row): row for row in rows}
        self._update()

    def exports(self, address: str) -> None:
        """Export from another address of the API, as where the page itself has narrowed the list."""
        self._export = address
        if self._link is not None:
            self._link.props["href"] = self._address()

    def _save(self) -> None:
        """Hand over as a file what is filtered; for a list that the API does not serve by itself."""
        ui.download.content(self._listing.csv(self._choose()), f"nija-{self._listing.name}.csv", "text/csv")

    def _choose(self) -> list[Row]:
        return self._listing.chosen(self._rows.values(), self._words, self._sort, descending=self._descending)

    def _build(self, label: str) -> Grid:
        columns = [{"name": one.name, "label": one.label, "kind": one.kind.value} for one in self._listing.on_page]
        if self._actions:
            columns.append({"name": "act", "label": "Actions", "kind": "actions"})
        grid = Grid(label=label, columns=columns, sizes=_OPTIONS)
        grid.hears("sort", self._sorted)
        grid.hears("turn", self._turned)
        grid.hears("act", self._acted)
        return grid

    def _update(self) -> None:
        chosen = self._choose()
        size = self._rows_on_a_page
        self._page = min(self._page, max(1, -(-len(chosen) // size)))
        start = (self._page - 1) * size
        self._grid.shows(
            [self._cells(row) for row in chosen[start : start + size]],
            sort=self._sort,
            descending=self._descending,
            page=self._page,
            size=size,
            total=len(chosen),
            foot=len(chosen) > size or size != self._usual,
        )
        self._bar.set_visibility(self._keeps_bar or bool(self._rows))
        self._nothing.set_visibility(not self._rows)
        self._no_match.set_visibility(bool(self._rows) and not chosen)
        every = len(self._rows)
        self._count.set_text(
            f"{len(chosen)} of {every}" if self._words else f"{every} {'row' if every == 1 else 'rows'}"
        )
        if self._link is not None:
            self._link.props["href"] = self._address()

    def _address(self) -> str:
        asked = {"q": self._words, "sort": self._sort, "descending": "true" if self._descending else ""}
        asked = {name: value for name, value in asked.items() if value}
        joint = "&" if "?" in self._export else "?"
        return self._export + (joint + urlencode(asked) if asked else "")

    def _cells(self, row: Row) -> dict[str, Any]:
        cells: dict[str, Any] = {"__key": self._listing.key(row), "__name": self._named(row)}
        for column in self._listing.on_page:
            cells[column.name] = column.words(row)
            tone = Tone.PLAIN if column.tone is None else column.tone(row)
            if tone is not Tone.PLAIN:
                cells[f"{column.name}__{'tone' if column.kind is Kind.STATE else 'class'}"] = (
                    tone.value if column.kind is Kind.STATE else f"is-{tone.value}"
                )
            if column.link is not None:
                cells[f"{column.name}__link"] = column.link(row)
        if self._actions:
            able = [action for action in self._actions.values() if action.when(row)]
            cells["act"] = [{"name": a.name, "label": a.label, "tone": a.tone} for a in able]
        return cells

    def _filtered(self, event: ValueChangeEventArguments[str | None]) -> None:
        self._words, self._page = event.value or "", 1
        self._update()

    def _sorted(self, asked: dict[str, Any]) -> None:
        """Sort by another column, or by the same one the other way round."""
        column = self._listing.column(str(asked.get("name")))
        if column is None:
            return
        self._descending = column.name == self._sort and not self._descending
        self._sort, self._page = column.name, 1
        self._update()

    def _turned(self, asked: dict[str, Any]) -> None:
        """Turn the page. What comes from a browser is held to what the table has."""
        size = _whole(asked.get("size"), self._usual)
        self._rows_on_a_page = size if size in _OPTIONS else self._usual
        self._page = max(1, _whole(asked.get("page"), 1))
        self._update()

    async def _acted(self, asked: dict[str, Any]) -> None:
        action, row = self._actions.get(str(asked.get("name"))), self._rows.get(str(asked.get("key")))
        if action is None or row is None or not action.when(row):
            return  # the row is gone, or is another one by now
        done = action.act(row)
        if done is not None:
            await done


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
