"""The process that dies: it runs the product's own code and kills itself, for real, at one moment of it.

Nothing in the product knows of this: the method of the moment is wrapped from outside, in the process that dies.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import flows.account
from brokers.account import AccountClient
from brokers.ledger import Ledger
from brokers.orders import Orders
from flows.recover import recover_fleet
from models.settings import load_settings
from models.store.engine import Store
from tasks.runtime import Runtime, open_runtime, read_fleet
from tests.drills.plain import normalize_at, plain_tasks

_OWNERS: dict[str, type[Any]] = {c.__name__: c for c in (AccountClient, Ledger, Orders, Store)}


@dataclass(frozen=True)
class Moment:
    """The nth call of a method, before it does anything or after it has done everything."""

    method: str
    nth: int = 1
    before: bool = False
    by: signal.Signals = signal.SIGKILL


def start(environment: Mapping[str, str], moment: Moment | None, *, recovering: bool = False) -> Any:
    """Start a process that normalises, or recovers, and dies at the moment; None: somebody else will kill it."""
    process = _forkserver().Process(target=_live_and_die, args=(dict(environment), moment, recovering))
    process.start()
    return process


@cache
def _forkserver() -> Any:
    """Fork each process off one that has everything imported: a few milliseconds instead of seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _live_and_die(environment: Mapping[str, str], moment: Moment | None, recovering: bool) -> None:
    os.environ.update(environment)
    for name, function in plain_tasks().items():
        setattr(flows.account, name, function)
    if moment is not None:
        _die_at(moment)
    asyncio.run(_live(recovering=recovering))


async def _live(*, recovering: bool) -> None:
    settings = load_settings()
    async with open_runtime(settings, read_fleet(settings, None)) as runtime:
        if recovering:
            await recover_fleet(runtime, runtime.fleet.accounts)
        else:
            await _normalize_all(runtime)


async def _normalize_all(runtime: Runtime) -> None:
    for account in runtime.fleet.accounts:
        await normalize_at(runtime, account.id)


def _die_at(moment: Moment) -> None:
    owner, name = moment.method.split(".")
    true = getattr(_OWNERS[owner], name)
    calls = count(1)

    async def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        here = next(calls) == moment.nth
        if here and moment.before:
            os.kill(os.getpid(), moment.by)
        result = await true(self, *args, **kwargs)
        if here:
            os.kill(os.getpid(), moment.by)
        return result

    setattr(_OWNERS[owner], name, wrapped)
