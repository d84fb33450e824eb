"""Lists in pages: every list of the API has the same frame."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

T = TypeVar("T")
MOST = 1000


class Page(BaseModel, Generic[T]):
    """A part of a list. `total` None: nobody counted what there is in all."""

    items: list[T]
    total: int | None
    offset: int
    limit: int


class Window:
    """Which part of a list is asked for."""

    def __init__(
        self,
        offset: Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most.")] = 100,
    ) -> None:
        self.offset, self.limit = offset, limit

    def of(self, everything: Sequence[T]) -> Page[T]:
        """Cut a whole list."""
        part = list(everything[self.offset : self.offset + self.limit])
        return Page(items=part, total=len(everything), offset=self.offset, limit=self.limit)

    def cut(self, part: Sequence[T]) -> Page[T]:
        """Frame a part that was cut already."""
        return Page(items=list(part), total=None, offset=self.offset, limit=self.limit)


Paging = Annotated[Window, Depends()]
