"""Write down the highest prices that a watch has seen: they only rise, and none outlives its position."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select, update

from models.store.engine import Store
from models.store.tables import TRACKED


async def keep_peaks(store: Store, account: str, peaks: Mapping[str, tuple[datetime, Decimal]]) -> None:
    """Keep peaks by symbol, each of the position that was first seen at that instant; lower ones change nothing.

    Raises: StoreError.
    """

    def write(connection: Connection) -> None:
        store.queue(connection, f"tracked {account}")
        query = select(TRACKED.c.symbol, TRACKED.c.first_seen_at, TRACKED.c.peak_price)
        known = connection.execute(query.where(TRACKED.c.account == account, TRACKED.c.symbol.in_(peaks)))
        for row in known.all():  # compared here: on SQLite a number is text
            first_seen_at, peak = peaks[row.symbol]
            if row.first_seen_at == first_seen_at and (row.peak_price is None or row.peak_price < peak):
                mine = (TRACKED.c.account == account, TRACKED.c.symbol == row.symbol)
                connection.execute(update(TRACKED).where(*mine).values(peak_price=peak))

    if peaks:
        await store.write(write)
