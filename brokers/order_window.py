"""When the order being sent was committed, and until when it may arrive, by the venue's clock.

Some venues take these as parameters of the order; others only as a header or within the signature, where ccxt fills in
its own. The adapters of those read them here, in the task that sends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OrderWindow:
    """From the instant in the ledger until the venue is to refuse the order."""

    opens_at: datetime
    closes_at: datetime

    @property
    def opens_ms(self) -> int:
        """Its start in milliseconds since 1970."""
        return int(self.opens_at.timestamp() * 1000)

    @property
    def closes_ms(self) -> int:
        """Its end in milliseconds since 1970."""
        return int(self.closes_at.timestamp() * 1000)


_window: ContextVar[OrderWindow | None] = ContextVar("order_window", default=None)


def current_window() -> OrderWindow | None:
    """Return the window of the order that this task sends; None while it sends none."""
    return _window.get()


@contextmanager
def sending_within(window: OrderWindow) -> Iterator[None]:
    """Send what the block sends within a window."""
    token = _window.set(window)
    try:
        yield
    finally:
        _window.reset(token)
