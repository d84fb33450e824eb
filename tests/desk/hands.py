"""A clock whose hands a test turns on, while waiting takes the time it takes."""

from datetime import datetime, timedelta

from models.clock import SystemClock


class Hands(SystemClock):
    """The machine's clock, and what a test has turned it on by."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead

    def elapsed(self) -> timedelta:
        return super().elapsed() + self.ahead

    def turns(self, **span: float) -> None:
        self.ahead += timedelta(**span)
