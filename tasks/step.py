"""One step of an account's run: a task within a flow, and the plain function that it wraps anywhere else."""

from collections.abc import Awaitable, Callable
from typing import Any

from prefect.context import FlowRunContext


async def step(task: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Do a step. Outside a flow a task would look for a server, and start one where it finds none.

    Raises: whatever the step raises.
    """
    plain = getattr(task, "fn", task) if FlowRunContext.get() is None else task
    await plain(*arguments)
