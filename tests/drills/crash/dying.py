"""The process that dies: it runs the product's own code and kills itself, for real, at one moment of it.

Nothing in the product knows of this: the method of the moment is wrapped from outside, in the process that dies.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import flows.account
from brokers.account import AccountClient
from brokers.ledger import Ledger
from brokers.orders import Orders
from flows.recover import recover_fleet
from models.scope import Scope
from models.settings import load_settings
from models.store.engine import Store
from tasks.runtime import Runtime, open_runtime, read_fleet
from tests.drills.plain import normalize_at, plain_tasks
from tests.forked import Forked

_OWNERS: dict[str, type[Any]] = {c.__name__: c for c in (AccountClient, Ledger, Orders, Store)}

# Until what was under way in other tasks is in the store: a process that stands still keeps the locks that it has.
_QUIET_SECONDS = 0.2


@dataclass(frozen=True)
class Moment:
    """The nth call of a method, before it does anything or after it has done everything."""

    method: str
    nth: int = 1
    before: bool = False
    by: signal.Signals = signal.SIGKILL


def start(
    environment: Mapping[str, str], moment: Moment | None, *, recovering: bool = False, scope: Scope = Scope.ALL
) -> Forked:
    """Start a process that normalises, or recovers, and dies at the moment; None: somebody else will kill it."""
    when = None if moment is None else asdict(moment)
    asked = {"moment": when, "recovering": recovering, "scope": scope.value}
    return Forked(f"{__name__}:live_and_die", asked, env={**os.environ, **environment})


def live_and_die(moment: dict[str, Any] | None, *, recovering: bool, scope: str) -> None:
    """Be that process."""
    for name, function in plain_tasks().items():
        setattr(flows.account, name, function)
    if moment is not None:
        _die_at(Moment(**moment))
    asyncio.run(_live(recovering=recovering, scope=Scope(scope)))


async def _live(*, recovering: bool, scope: Scope) -> None:
    settings = load_settings()
    async with open_runtime(settings, read_fleet(settings, None)) as runtime:
        if recovering:
            await recover_fleet(runtime, runtime.fleet.accounts)
        else:
            await _normalize_all(runtime, scope)


async def _normalize_all(runtime: Runtime, scope: Scope) -> None:
    for account in runtime.fleet.accounts:
        await normalize_at(runtime, account.id, scope=scope)


def _die_at(moment: Moment) -> None:
    owner, name = moment.method.split(".")
    true = getattr(_OWNERS[owner], name)
    calls = count(1)

    async def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        here = next(calls) == moment.nth
        if here and moment.by is signal.SIGSTOP:
            await asyncio.sleep(_QUIET_SECONDS)
        if here and moment.before:
            os.kill(os.getpid(), moment.by)
        result = await true(self, *args, **kwargs)
        if here:
            os.kill(os.getpid(), moment.by)
        return result

    setattr(_OWNERS[owner], name, wrapped)
