"""Lists as files: the same rows, filtered and in the same order as the page shows them, as CSV."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from starlette.responses import Response

from desk.listing import Listing

Row = TypeVar("Row")

CSV = "text/csv; charset=utf-8"
EXPORT: dict[str, Any] = {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The list as a file"}
FILE: dict[int | str, dict[str, Any]] = {200: EXPORT}


class Wanted:
    """Which rows of a list go to the file, and in which order."""

    def __init__(
        self,
        q: Annotated[str, Query(max_length=1000, description="Words that a row must hold, in any case.")] = "",
        sort: Annotated[str, Query(max_length=100, description="The column to sort by.")] = "",
        *,
        descending: Annotated[bool, Query(description="The other way round.")] = False,
    ) -> None:
        self.q, self.sort, self.descending = q, sort, descending

    def csv(self, listing: Listing[Row], rows: Iterable[Row]) -> Response:
        """Answer with what is wanted of a list."""
        chosen = listing.chosen(rows, self.q, self.sort, descending=self.descending)
        named = {"Content-Disposition": f'attachment; filename="nija-{listing.name}.csv"'}
        return Response(listing.csv(chosen), media_type=CSV, headers=named)


Export = Annotated[Wanted, Depends()]
