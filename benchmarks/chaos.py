"""Put drawn fleets through drawn faults and kills, recover, run again, and judge by the venues' own records.

Everything is drawn from the seed. A trial that fails is made as small as it still fails, and printed as a command that
runs it again.

    python benchmarks/chaos.py [--runs 1000] [--seed 1] [--store sqlite|postgresql|both] [--jobs 2]
                               [--only NUMBER] [--plan JSON]
"""

import argparse
import asyncio
import gc
import logging
import multiprocessing
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the drills are no installed package

from benchmarks.stores import Stores, postgres  # noqa: E402 - after the path
from tests.drills.ordeal import Ordeal, run_trial  # noqa: E402
from tests.drills.plain import without_prefect, without_throttle  # noqa: E402
from tests.drills.trial import Trial, draw  # noqa: E402

TRIALS_A_BATCH = 25
AT_ONCE = 12  # trials in one process: while most wait, one works
SHRINK_AT_MOST = 30  # runs


@dataclass(frozen=True)
class Finished:
    """What came of one trial, as it came back from the process that ran it."""

    trial: Trial
    wrong: tuple[str, ...]
    met: Counter[str]
    kills: Counter[str]
    orders: int


def main() -> int:
    """Run the trials and print what came of them; 1: one failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="sqlite")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--only", type=int, help="run this trial alone")
    parser.add_argument("--plan", help="let this go wrong with it, and not what was drawn")
    options = parser.parse_args()
    numbers = range(options.runs) if options.only is None else [options.only]
    trials = [draw(options.seed, number, options.store) for number in numbers]
    if options.plan is not None:
        trials = [trial.with_plan(options.plan) for trial in trials]
    console = Console()
    began = time.monotonic()
    with postgres(wanted=options.store != "sqlite") as server:
        finished = run(trials, options.jobs, server, console)
        seconds = time.monotonic() - began
        failed = [one for one in finished if one.wrong]
        for one in failed:
            show(one if options.plan is not None else shrunk(one, server), console)
    console.print(summary(finished, seconds))
    return 1 if failed else 0


def run(trials: Sequence[Trial], jobs: int, server: str, console: Console) -> list[Finished]:
    """Run the trials in processes of their own."""
    finished: list[Finished] = []
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"))
    batches = [trials[start : start + TRIALS_A_BATCH] for start in range(0, len(trials), TRIALS_A_BATCH)]
    with (
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
        ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        bar = progress.add_task("runs", total=len(trials), failed=0)
        left: set[Future[list[Finished]]] = {pool.submit(run_batch, batch, server) for batch in batches}
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for one in (one for batch in done for one in batch.result()):
                finished.append(one)
                if one.wrong:
                    console.print(f"{one.trial.number}: {'; '.join(one.wrong)}", style="red", markup=False)
            progress.update(bar, completed=len(finished), failed=sum(bool(one.wrong) for one in finished))
    return sorted(finished, key=lambda one: one.trial.number)


def run_batch(trials: Sequence[Trial], server: str) -> list[Finished]:
    """Run some trials in this process, a few at once."""
    logging.disable(logging.CRITICAL)
    gc.freeze()  # everything imported by now: the collector would walk through it again and again
    home = Path(tempfile.mkdtemp(prefix="nija-chaos-"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            without_prefect(patch)
            without_throttle(patch)
            return asyncio.run(_run_batch(trials, home, Stores(home, server), patch))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _run_batch(trials: Sequence[Trial], home: Path, stores: Stores, patch: pytest.MonkeyPatch) -> list[Finished]:
    bound = asyncio.Semaphore(AT_ONCE)

    async def one(trial: Trial) -> Finished:
        async with bound:
            url = await stores(trial.store)
            place = home / f"home-{trial.number}"
            place.mkdir()
            return _finished(await run_trial(trial, place, url, patch))

    return list(await asyncio.gather(*(one(trial) for trial in trials)))


def _finished(ordeal: Ordeal) -> Finished:
    return Finished(ordeal.trial, tuple(ordeal.wrong), ordeal.met, ordeal.kills, ordeal.orders)


def shrunk(failed: Finished, server: str) -> Finished:
    """Return the failure with as few faults as it still fails with."""
    runs = 0
    smallest = failed
    while True:
        for smaller in smallest.trial.smaller():
            runs += 1
            if runs > SHRINK_AT_MOST:
                return smallest
            (one,) = run_batch([smaller], server)
            if one.wrong:
                smallest = one
                break
        else:
            return smallest


def show(failed: Finished, console: Console) -> None:
    """Print a failure, and the command that runs it again."""
    trial = failed.trial
    command = f"python benchmarks/chaos.py --seed {trial.seed} --only {trial.number} --store {trial.store}"
    console.print(f"\n{command} --plan {shlex.quote(trial.plan)}", markup=False, highlight=False, soft_wrap=True)
    for wrong in failed.wrong:
        console.print(f"  {wrong}", style="red", markup=False, highlight=False, soft_wrap=True)


def summary(finished: Sequence[Finished], seconds: float) -> Table:
    """Return the counts of a whole run."""
    shown = Table(show_header=False)
    kills, met = Counter[str](), Counter[str]()
    for one in finished:
        kills += one.kills
        met += one.met
    shown.add_row("runs", f"{len(finished)}, {sum(bool(one.wrong) for one in finished)} failed")
    shown.add_row("accounts", str(sum(len(one.trial.owners) for one in finished)))
    shown.add_row("orders at the venues", str(sum(one.orders for one in finished)))
    shown.add_row("kills", ", ".join(f"{count} {name}" for name, count in kills.most_common()))
    shown.add_row("faults met", f"{met.total()}: " + ", ".join(f"{name} {count}" for name, count in met.most_common()))
    shown.add_row("seconds", f"{seconds:.0f}, {len(finished) / seconds:.1f} runs a second")
    return shown


if __name__ == "__main__":
    sys.exit(main())
