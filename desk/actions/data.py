"""What people decide about rows in quarantine: into the history after all, or not."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from desk.actions.deeds import given
from desk.desk import Desk
from models.people import Permit, Role, Who
from models.store.desk_audit import Deed, note
from models.store.quarantine import Decided
from models.store.quarantine import drop as drop_rows
from models.store.quarantine import release as release_rows


class RowLeft(BaseModel):
    """A row that was left as it is, and why."""

    model_config = ConfigDict(frozen=True)

    row_id: int
    why: str


class RowsDecided(BaseModel):
    """What became of the rows that were named."""

    model_config = ConfigDict(frozen=True)

    done: list[int]
    left: list[RowLeft]


async def release(desk: Desk, who: Who, rows: Sequence[int], reason: str) -> RowsDecided:
    """Let rows into the history in the place of what stands there; what is no candle at all stays.

    Raises: AccessRefused, ConfigError without a reason, StoreError.
    """
    return await _decide(desk, who, rows, reason, released=True)


async def drop(desk: Desk, who: Who, rows: Sequence[int], reason: str) -> RowsDecided:
    """Let rows go: they stay where they are, decided. Raises: AccessRefused, ConfigError, StoreError."""
    return await _decide(desk, who, rows, reason, released=False)


async def _decide(desk: Desk, who: Who, rows: Sequence[int], reason: str, *, released: bool) -> RowsDecided:
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    now, action = desk.clock.now(), "history.release" if released else "history.drop"

    def also(connection: Connection, row_id: int) -> None:
        after = {"decision": "released" if released else "dropped"}
        note(connection, who, Deed(action, f"history row {row_id}", {"decision": None}, after, why), now)

    act = release_rows if released else drop_rows
    decided: Decided = await act(desk.store, rows, by=who.words, reason=why, now=now, also=also)
    desk.covered.forget()
    desk.gapped.forget()
    left = [RowLeft(row_id=one.row_id, why=one.why) for one in decided.left]
    return RowsDecided(done=list(decided.done), left=left)
