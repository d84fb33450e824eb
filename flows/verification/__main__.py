"""Answer every question in this process, one line of JSON each on stdout: `python -m flows.verification FOLDER`.

It is a process of its own so that what it changes about itself reaches nothing else: it runs each step directly, where
a flow would have Prefect run it, and it is given neither keys nor the address of the store in earnest.
"""

import asyncio
import sys
from pathlib import Path

from prefect import Task

import flows.account
from flows.verification.drills import asked


def without_prefect() -> None:
    """Let an account's run call its steps themselves: drills are no task runs, and need no server."""
    for name, step in list(vars(flows.account).items()):
        if isinstance(step, Task):
            setattr(flows.account, name, step.fn)


async def answer(folder: Path) -> None:
    """Print each result as it comes."""
    async for result in asked(folder):
        print(result.model_dump_json(), flush=True)  # noqa: T201 - stdout is the answer


if __name__ == "__main__":
    without_prefect()
    asyncio.run(answer(Path(sys.argv[1])))
