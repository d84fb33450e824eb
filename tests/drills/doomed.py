"""A process that normalises a fleet until it is killed by somebody else, for real and at any moment."""

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from models.settings import load_settings
from tasks.runtime import open_runtime, read_fleet
from tests.drills.plain import normalize_at, without_prefect, without_throttle


def doomed(environment: Mapping[str, str]) -> Any:
    """Return such a process, not yet started, that will see this environment."""
    return _forkserver().Process(target=_live, args=(dict(environment),))


@cache
def _forkserver() -> Any:
    """Fork each process off one that has everything imported: a few milliseconds instead of seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _live(environment: Mapping[str, str]) -> None:
    """Normalise every account in this process, until it ends or is killed."""
    logging.disable(logging.CRITICAL)
    os.environ.update(environment)
    patch = pytest.MonkeyPatch()
    without_prefect(patch)
    without_throttle(patch)
    asyncio.run(_normalize_all())


async def _normalize_all() -> None:
    settings = load_settings()
    async with open_runtime(settings, read_fleet(settings, None)) as runtime:
        await asyncio.gather(*(normalize_at(runtime, account.id) for account in runtime.fleet.accounts))
