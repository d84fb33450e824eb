"""The trade journal."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from desk.actions import journal as actions
from desk.actions.journal import SavedEntry
from desk.api.export import FILE, Export
from desk.api.guard import Operator, TheDesk, Viewer
from desk.api.kinds import LARGEST_ID, SearchText
from desk.api.paging import Page, Paging
from desk.views import journal as views
from desk.views.journal import JournalReport
from models.journal import JournalFilter

router = APIRouter(prefix="/api/trade_journal", tags=["trade journal"])


class Deletion(BaseModel):
    """Which entry is deleted, as it was read."""

    entry_id: Annotated[int, Field(ge=1, le=LARGEST_ID)]
    version: Annotated[int, Field(ge=1, le=LARGEST_ID)]


def _filter(
    *,
    words: Annotated[SearchText, Query(description="A part of any text, in any case.")] = "",
    account: Annotated[SearchText, Query()] = "",
    symbol: Annotated[SearchText, Query()] = "",
    order: Annotated[SearchText, Query(description="A client order id, of the entry or the exit.")] = "",
    least_rating: Annotated[int | None, Query(ge=1, le=5)] = None,
    least_confidence: Annotated[int | None, Query(ge=1, le=10)] = None,
    unfinished: Annotated[bool, Query(description="Only those without lessons yet.")] = False,
) -> JournalFilter:
    return JournalFilter(
        words=words,
        account=account,
        symbol=symbol,
        order=order,
        least_rating=least_rating,
        least_confidence=least_confidence,
        unfinished=unfinished,
    )


Meant = Annotated[JournalFilter, Depends(_filter)]


@router.get("/list")
async def list_entries(desk: TheDesk, _: Viewer, window: Paging, meant: Meant) -> Page[JournalReport]:
    """List entries, newest first."""
    found, number = await views.entries(desk, meant, limit=window.limit, offset=window.offset)
    return Page(items=found, total=number, offset=window.offset, limit=window.limit)


@router.get("/list/export", responses=FILE, response_class=Response)
async def export_entries(desk: TheDesk, _: Viewer, wanted: Export, meant: Meant) -> Response:
    """Return entries as CSV."""
    found, _number = await views.entries(desk, meant)
    return wanted.csv(views.JOURNAL, found)


@router.post("/save")
async def save_entry(desk: TheDesk, who: Operator, saved: SavedEntry) -> JournalReport:
    """Keep a new entry, or an edit of one that names the version it was read as; 409 where somebody was faster."""
    return await actions.save(desk, who, saved)


@router.post("/delete")
async def delete_entry(desk: TheDesk, who: Operator, deletion: Deletion) -> Deletion:
    """Delete an entry, as it was read."""
    await actions.delete(desk, who, deletion.entry_id, deletion.version)
    return deletion
