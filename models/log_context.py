"""What a line of the log is about, wherever it is written: the account, the run and the plan that the code works on.

Kept by context: what an asyncio task starts inherits it, and what runs beside it has its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

FIELDS = ("account", "run", "plan")

_NOTHING: Mapping[str, str] = MappingProxyType({})
_about: ContextVar[Mapping[str, str]] = ContextVar("log_about", default=_NOTHING)


def about_now() -> Mapping[str, str]:
    """Return what the code that asks works on: some of FIELDS."""
    return _about.get()


@contextmanager
def about(account: str, run: str | None = None) -> Iterator[None]:
    """Let lines be about an account, and a run of it, for the length of the block. The plan is not known yet."""
    before = _about.get()
    _about.set(MappingProxyType({"account": account} | ({} if run is None else {"run": run})))
    try:
        yield
    finally:
        _about.set(before)


def about_plan(plan_id: str) -> None:
    """Let lines be about a plan from here on, until the block of the account ends."""
    _about.set(MappingProxyType({**_about.get(), "plan": plan_id}))
