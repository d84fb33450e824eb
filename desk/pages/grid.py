"""The part of a table that a browser draws: the rows of one page, its headings, and what turns it."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments


class Grid(Element, component="grid.js"):
    """A table's rows as they are seen. What is pressed is told by name; whoever is told looks at whether it is so."""

    def __init__(self, *, label: str, columns: Sequence[dict[str, Any]], sizes: Sequence[int]) -> None:
        super().__init__()
        self._props["label"] = label
        self._props["columns"] = list(columns)
        self._props["sizes"] = list(sizes)
        self.shows([], sort="", descending=False, page=1, size=sizes[0], total=0, foot=False)

    def shows(
        self,
        rows: list[dict[str, Any]],
        *,
        sort: str,
        descending: bool,
        page: int,
        size: int,
        total: int,
        foot: bool,
    ) -> None:
        """Show these rows: page `page` of `total` rows in the order of a column, `size` on a page."""
        now = {"rows": rows, "sort": sort, "descending": descending, "page": page, "size": size}
        now |= {"total": total, "foot": foot}
        if any(self._props.get(name) != value for name, value in now.items()):
            self._props.update(now)
            self.update()

    def hears(self, event: str, handler: Callable[[dict[str, Any]], Any]) -> None:
        """Call a handler with what the browser says of an event; it may say anything."""

        async def heard(said: GenericEventArguments) -> None:
            done = handler(said.args if isinstance(said.args, dict) else {})
            if done is not None:
                await done

        self.on(event, heard)
