"""What the commands about alerts share: how they reach the store, and how they print."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from models.alert import Severity
from models.alert_report import SentReport
from models.errors import ConfigError
from models.settings import load_settings
from models.store.engine import Store
from models.store.user_alerts import user_alert
from models.user_alert import KeptAlert

T = TypeVar("T")

STYLE = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


def moment(at: datetime | None) -> str:
    """Write an instant; empty where there is none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def sent_line(one: SentReport) -> str:
    """Say in one line what was sent to a channel, and why the rest was not."""
    given_up = f", {one.given_up} given up" if one.given_up else ""
    failed = f", {one.failed} failed ({one.reason}){given_up}" if one.failed else ""
    return f"{one.channel}: {one.sent} sent{failed}"


def in_store(act: Callable[[Store], Awaitable[T]]) -> T:
    """Do one thing with the store. Raises: StoreError."""

    async def run() -> T:
        async with await Store.open(load_settings().store_url) as store:
            return await act(store)

    return asyncio.run(run())


def known_alert(alert: int) -> KeptAlert:
    """Return an alert that a person made. Raises: ConfigError where there is none of that id."""
    kept = in_store(lambda store: user_alert(store, alert))
    if kept is None:
        raise no_alert(alert)
    return kept


def no_alert(alert: int) -> ConfigError:
    """Say that there is no such alert."""
    return ConfigError("ID", f"there is no alert {alert}", "what nija alerts list --mine shows")
