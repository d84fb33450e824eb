"""Run the whole fault matrix, every fault at every operation of a run at every venue, and print what came of it.

Judged by the venues' own records: a cell is wrong when something was sold that should not have been, sold twice or not
sold in the end, when an order has no known end, when ledger and venue disagree, or when a run ended in no known state.

    python benchmarks/faults.py [--jobs 2] [--venue kraken]... [--only NAME] [--write]
"""

import argparse
import logging
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
from tests.drills.matrix import (  # noqa: E402
    ANSWERS,
    CLOCKS,
    OPERATIONS,
    STORES,
    TURNS,
    Place,
    Sort,
    Spot,
    spots,
)
from tests.drills.plain import without_prefect, without_throttle  # noqa: E402
from tests.drills.sweep import sweep  # noqa: E402
from tests.drills.venues import VENUES  # noqa: E402

PAGE = ROOT / "docs" / "faults.md"
CELLS_A_BATCH = 80  # enough to overlap their waits, few enough to show progress and to share them out


@dataclass(frozen=True)
class Finished:
    """One cell, as it came back from the process that ran it."""

    spot: Spot
    told: str
    is_wrong: bool
    at_first: str = ""  # what it came to before it was run once more


def main() -> int:
    """Run the matrix and print it; 1: a cell is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--venue", action="append", choices=VENUES, help="only these")
    parser.add_argument("--only", default="", help="cells whose name holds this: place, http_502, kraken, balance:")
    parser.add_argument("--write", action="store_true", help="write docs/faults.md")
    options = parser.parse_args()
    chosen = [spot for spot in spots(options.venue or VENUES) if options.only in str(spot)]
    if options.write and len(chosen) != len(spots()):
        parser.error("--write keeps the whole matrix: leave --venue and --only out")
    console = Console()
    began = time.monotonic()
    with postgres() as server:
        finished = run(chosen, options.jobs, server, console)
    wrong = [cell for cell in finished if cell.is_wrong]
    console.print(table(finished))
    seconds = time.monotonic() - began
    for cell in finished:
        if cell.at_first:
            console.print(f"run twice: {cell.at_first}", style="dim", markup=False, highlight=False, soft_wrap=True)
    twice = sum(bool(cell.at_first) for cell in finished)
    told = f"{len(finished)} cells, {len(wrong)} wrong, {twice} run twice"
    console.print(f"{told}, {seconds / 60:.1f} min with {options.jobs} processes")
    if options.write:
        PAGE.write_text(page(finished), encoding="utf-8")
    return 1 if wrong else 0


def run(chosen: Sequence[Spot], jobs: int, server: str, console: Console) -> list[Finished]:
    """Run the cells in processes of their own."""
    finished: list[Finished] = []
    columns = (TextColumn("cells"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[wrong]} wrong"))
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
        ProcessPoolExecutor(jobs, mp_context=context) as pool,
    ):
        bar = progress.add_task("cells", total=len(chosen), wrong=0)
        left: set[Future[list[Finished]]] = {pool.submit(run_batch, batch, server) for batch in batches(chosen)}
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for cell in (cell for batch in done for cell in batch.result()):
                finished.append(cell)
                if cell.is_wrong:
                    console.print(cell.told, style="red", markup=False, highlight=False, soft_wrap=True)
            progress.update(bar, completed=len(finished), wrong=sum(cell.is_wrong for cell in finished))
    return finished


def batches(chosen: Sequence[Spot]) -> list[list[Spot]]:
    """Share the cells out, neighbours together: those of one venue and operation share a venue."""
    ordered = sorted(chosen, key=lambda s: (VENUES.index(s.venue), OPERATIONS.index(s.operation), not s.shares))
    return [ordered[start : start + CELLS_A_BATCH] for start in range(0, len(ordered), CELLS_A_BATCH)]


def run_batch(batch: Sequence[Spot], server: str) -> list[Finished]:
    """Run some cells in this process."""
    logging.disable(logging.CRITICAL)
    home = Path(tempfile.mkdtemp(prefix="nija-faults-"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            without_prefect(patch)
            without_throttle(patch)
            cells = sweep(batch, home, Stores(home, server), patch)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return [Finished(cell.spot, str(cell), cell.is_wrong, cell.at_first) for cell in cells]


def table(finished: Sequence[Finished]) -> Table:
    """Return one row an operation and a column a venue: wrong cells of all cells."""
    shown = Table(padding=0, title="Wrong cells of all cells")
    shown.add_column("operation", no_wrap=True)
    for name in (*VENUES, "all"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name, counts in rows(finished):
        shown.add_row(name, *counts, end_section=name == "clock jumps")
    return shown


def rows(finished: Sequence[Finished]) -> Iterator[tuple[str, list[str]]]:
    """Give the table's rows: faults of the venue by operation, then those of clock and store, then the sum."""
    at_venues = [cell for cell in finished if cell.spot.sort.place is Place.VENUE]
    for operation in OPERATIONS:
        yield operation.name, counted(cell for cell in at_venues if cell.spot.operation == operation)
    yield "clock jumps", counted(cell for cell in finished if cell.spot.sort.place is Place.CLOCK)
    for kind in ("sqlite", "postgresql"):
        at_stores = [cell for cell in finished if cell.spot.sort.place is Place.STORE]
        yield f"store: {kind}", counted(cell for cell in at_stores if cell.spot.store == kind)
    yield "all", counted(finished)


def counted(cells: Iterable[Finished]) -> list[str]:
    """Return wrong of all, a venue, and the sum; nothing where there is no cell."""
    every, wrong = Counter[str](), Counter[str]()
    for cell in cells:
        for name in (cell.spot.venue, "all"):
            every[name] += 1
            wrong[name] += cell.is_wrong
    return [f"{wrong[name]}/{every[name]}" if every[name] else "" for name in (*VENUES, "all")]


def page(finished: Sequence[Finished]) -> str:
    """Return docs/faults.md."""
    header = "| operation | " + " | ".join((*VENUES, "all")) + " |\n|---|" + "---:|" * (len(VENUES) + 1)
    body = "\n".join(f"| {name} | {' | '.join(counts)} |" for name, counts in rows(finished))
    kinds = "\n".join(f"| {name} | {', '.join(sorts)} |" for name, sorts in KINDS.items())
    return PAGE_TEXT.format(table=f"{header}\n{body}", kinds=kinds, cells=f"{len(finished):,}")


def names(sorts: Iterable[Sort]) -> list[str]:
    """Return the names of sorts of faults as the page writes them."""
    return [f"`{sort.name}`" for sort in sorts]


KINDS = {"what the venue answers": names(ANSWERS), "what happens at the venue": names(TURNS)}
KINDS |= {"the machine's clock": names(CLOCKS), "the store": names(STORES)}

PAGE_TEXT = """# The fault matrix

`make faults` puts every fault to every call of a run, at every venue, and judges by the venue's own record.
`python benchmarks/faults.py --only "place: http_502"` runs a part of it. The test suite runs every second
pair of a fault and a call at one venue in turn; of what needs a venue to itself, every third.

A **cell** is one fault at one call at one venue, met once or from then on for good. An account with five holdings, over
its cap, is normalised into the fault; the fault is lifted; `recover` runs, then a second normalisation. A cell is
**wrong** when

- something was sold that an undisturbed run would not have sold: another holding, one without a price, or more than was
  held (twice is more), in the first run or in both;
- after both runs something is left that should have been sold, or an order has no known end;
- the ledger does not say what the venue's record says: orders, their states, their fills;
- a run ended otherwise than compliant, blocked, failed or halted, raised, or reported `INTERNAL_ERROR`;
- the second run is not compliant, or the fault was never met.

On a loaded machine a venue that is well may answer too late: a cell that did nothing wrong, and only came to no good
end, is run once more, and counts as what it came to then. The command names those that were run twice.

Wrong cells of all cells:

{table}

{cells} cells. The faults:

| at | faults |
|---|---|
{kinds}

`…_after`: the venue acted, and the client hears of a failure. `refused`: after the call nothing listens for a while, so
the next one is refused by the machine itself. A fault that changes the venue, the clock or the store is met once, and
stays until it is lifted.

Faults of the store strike while a call waits for its answer, so the next read or write of the store meets them. What
stores do is no venue's affair: SQLite is tried at Kraken, PostgreSQL at Binance. A lock is held by another connection.
An SQLite file that is gone is away with its folder; a PostgreSQL database that is gone ends its sessions and takes no
new ones. A full SQLite file is at SQLite's own limit; PostgreSQL answers with the error of a full disk. The clock jumps
an hour ahead or back, and stays there.
"""


if __name__ == "__main__":
    sys.exit(main())
