"""What the drills of alerts share: a clock that is set, a store, a webhook, and who is told what."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from models.alert import OperationalAlert, Severity
from models.channel import KINDS, Delivery
from models.settings import master_key_settings
from models.store.alerts import alerts, close_alerts, raise_alerts
from models.store.deliveries import deliveries
from models.store.engine import Store
from tasks.channels import NewChannel, add_channel
from tasks.deliver import Delivered, deliver
from tests.drills.desk import Desk
from tests.sink import Sink

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Wall:
    """A clock that a test sets."""

    def __init__(self, now: datetime = NOON) -> None:
        self.hour = now

    def now(self) -> datetime:
        return self.hour

    def elapsed(self) -> timedelta:
        return self.hour - NOON

    async def sleep(self, span: timedelta) -> None:
        self.hour += span

    def passes(self, **span: float) -> None:
        self.hour += timedelta(**span)


class Office:
    """A store, a webhook, and who is told what."""

    def __init__(self, desk: Desk, sink: Sink) -> None:
        self.desk, self.sink, self.wall = desk, sink, Wall()
        self.places = master_key_settings(desk.home)

    def __call__(self, act: Callable[[Store], Awaitable[Any]]) -> Any:
        return self.desk.in_store(act)

    def channel(self, name: str = "ops", **fields: Any) -> None:
        given: dict[str, Any] = {"severity": Severity.WARNING, "kinds": KINDS, "quiet": None, "tells_over": True}
        new = NewChannel(name, SecretStr(fields.pop("url", self.sink.url)), **(given | fields))
        self(lambda store: add_channel(store, self.places, self.wall, new, by="me"))

    def raises(self, *found: OperationalAlert) -> None:
        self(lambda store: raise_alerts(store, found, now=self.wall.now()))

    def closes(self, alert: OperationalAlert) -> None:
        whose: dict[str, Any] = {"account": alert.account, "symbol": alert.symbol, "now": self.wall.now()}
        self(lambda store: close_alerts(store, [alert.code], **whose))

    def delivers(self, **how: Any) -> Sequence[Delivered]:
        done: Sequence[Delivered] = self(lambda store: deliver(store, self.places, self.wall, **how))
        return done

    @property
    def outbox(self) -> list[Delivery]:
        return list(reversed(self(deliveries)))

    @property
    def standing(self) -> set[str]:
        return {one.alert.code for one in self(alerts)}
