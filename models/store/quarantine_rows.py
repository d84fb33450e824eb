"""Put aside what broke its contract, each row once: what is asked for again comes back with the same faults."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from models.history import Rejected
from models.store.history_tables import HistoryQuarantine

_QUARANTINE = HistoryQuarantine.metadata.tables["history_quarantine"]
_LONGEST = 2000  # characters of a text: an error page is no row
_LAST_SECOND = 2**62
_LOOKED_AT = 500


def quarantine_within(
    connection: Connection, series_id: int, batch_id: int, rejected: Sequence[Rejected], *, now: datetime
) -> int:
    """Add rejected rows that are not there yet, decided or not; return how many were added."""
    new: dict[str, dict[str, Any]] = {}
    for one in rejected:
        row = {str(name): _plain(value) for name, value in one.row.items()}
        reasons = [why.value for why in one.why]
        new[_key(row, reasons)] = {
            "series_id": series_id,
            "batch_id": batch_id,
            "time": _time(one.row),
            "row": row,
            "reasons": reasons,
            "rejected_at": now,
        }
    for key in _known(connection, series_id, [values["time"] for values in new.values()]) & set(new):
        del new[key]
    if new:
        connection.execute(insert(_QUARANTINE), list(new.values()))
    return len(new)


def _known(connection: Connection, series_id: int, times: Sequence[int | None]) -> set[str]:
    """Return which rows of these times are there; of those without a time only the newest are looked at."""
    found: set[str] = set()
    query = select(_QUARANTINE.c.row, _QUARANTINE.c.reasons).where(_QUARANTINE.c.series_id == series_id)
    dated = sorted({time for time in times if time is not None})
    for start in range(0, len(dated), _LOOKED_AT):
        some = query.where(_QUARANTINE.c.time.in_(dated[start : start + _LOOKED_AT]))
        found.update(_key(row.row, row.reasons) for row in connection.execute(some))
    if None in times:
        undated = query.where(_QUARANTINE.c.time.is_(None)).order_by(_QUARANTINE.c.row_id.desc())
        found.update(_key(row.row, row.reasons) for row in connection.execute(undated.limit(_LOOKED_AT)))
    return found


def _key(row: Mapping[str, Any], reasons: Sequence[str]) -> str:
    return json.dumps([row, list(reasons)], sort_keys=True)


def _time(row: Mapping[str, Any]) -> int | None:
    """Return when it says that it was, in whole seconds; None where that is no time."""
    try:
        time = float(row.get("time", math.nan))
    except (TypeError, ValueError, OverflowError):
        return None
    return int(time) if math.isfinite(time) and time == int(time) and abs(time) < _LAST_SECOND else None


def _plain(value: Any) -> Any:
    """Write a value so that JSON can carry it and nothing of it is lost: what it has no word for becomes text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < _LAST_SECOND else str(value)[:_LONGEST]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if hasattr(value, "item"):  # numpy's own
        return _plain(value.item())
    return str(value)[:_LONGEST].replace("\x00", "\ufffd")
