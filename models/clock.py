"""Time as an argument: what waits or asks the hour is handed a clock."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the instant and waits."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return the time since some fixed instant; it never jumps, whatever happens to the hour."""
        ...

    async def sleep(self, span: timedelta) -> None:
        """Wait for `span`."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Return the time since the machine started, or so."""
        return timedelta(seconds=time.monotonic())

    async def sleep(self, span: timedelta) -> None:
        """Wait for `span`."""
        await asyncio.sleep(span.total_seconds())
