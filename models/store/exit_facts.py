"""What the store knows of positions that are to be left, read in one go: their exit waits for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, select

from models.dust import DustMark
from models.exits import PositionConfig
from models.position import Tracked
from models.store.dust import mark_of
from models.store.position_configs import config_of
from models.store.tables import DUST_MARKS, POSITION_CONFIGS, SNAPSHOTS, TRACKED
from models.store.tracked import tracked_of


@dataclass(frozen=True, slots=True)
class KnownPositions:
    """Some positions of an account by symbol, and when the account was last read successfully; None: never."""

    tracked: Mapping[str, Tracked]
    configs: Mapping[str, PositionConfig]
    marks: Mapping[str, DustMark]
    last_read_at: datetime | None


def known_positions(connection: Connection, account: str, symbols: Collection[str]) -> KnownPositions:
    """Read what is known of some positions of an account."""
    chosen = {"owner": account, "symbols": list(symbols)}
    return KnownPositions(
        tracked={row.symbol: tracked_of(row) for row in connection.execute(_TRACKED, chosen)},
        configs={row.symbol: config_of(row) for row in connection.execute(_CONFIGS, chosen)},
        marks={row.symbol: mark_of(row) for row in connection.execute(_MARKS, chosen)},
        last_read_at=connection.execute(_LAST_READ, {"owner": account}).scalar_one_or_none(),
    )


# They stand ready, because to build a statement takes SQLAlchemy longer than to run it.
_SYMBOLS: BindParameter[str] = bindparam("symbols", expanding=True)
_OWNER: BindParameter[str] = bindparam("owner")
_TRACKED = select(TRACKED).where(TRACKED.c.account == _OWNER, TRACKED.c.symbol.in_(_SYMBOLS))
_CONFIGS = select(POSITION_CONFIGS).where(POSITION_CONFIGS.c.account == _OWNER, POSITION_CONFIGS.c.symbol.in_(_SYMBOLS))
_MARKS = select(DUST_MARKS).where(
    DUST_MARKS.c.account == _OWNER, DUST_MARKS.c.symbol.in_(_SYMBOLS), DUST_MARKS.c.removed_at.is_(None)
)
_LAST_READ = (
    select(SNAPSHOTS.c.taken_at).where(SNAPSHOTS.c.account == _OWNER).order_by(SNAPSHOTS.c.snapshot_id.desc()).limit(1)
)
