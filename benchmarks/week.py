"""Let a simulated week pass in minutes: every schedule, faults, kills and outages; judge it by the venues' own records.

What happens is drawn from the seed. Where anything is wrong, the timeline of the week is kept in a file.

    python benchmarks/week.py [--days 7] [--seed 1] [--store sqlite|postgresql] [--timeline FILE]
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the drills are no installed package
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # nobody's own keyring

from tests.drills.week.week import Passed, live_through  # noqa: E402 - after the path


def main() -> int:
    """Let it pass and print what came of it; 1: something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--days", type=float, default=7, help="simulated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--timeline", type=Path, default=Path("week-timeline.txt"), help="kept when anything is wrong")
    parser.add_argument("--quick", action="store_true", help="put two of the verification's questions, and not all")
    options = parser.parse_args()
    console, began = Console(), time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="nija-week-"))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("getting warm", total=None)
            passed = live_through(
                options.seed,
                options.days,
                home,
                options.store,
                is_quick=options.quick,
                told=lambda done, total, words: progress.update(bar, completed=done, total=total, description=words),
            )
        console.print(summary(passed, options.days, time.monotonic() - began))
        if passed.judged.wrong:
            errors = (home / "errors.log").read_text(encoding="utf-8", errors="replace")
            options.timeline.write_text("\n".join([*passed.timeline, "", errors]), encoding="utf-8")
            for wrong in passed.judged.wrong:
                console.print(f"  {wrong}", style="red", markup=False, highlight=False, soft_wrap=True)
            again = f"python benchmarks/week.py --days {options.days:g} --seed {options.seed} --store {options.store}"
            console.print(f"{again}\nwhat happened: {options.timeline}", markup=False, soft_wrap=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 1 if passed.judged.wrong else 0


def summary(passed: Passed, days: float, seconds: float) -> Table:
    """Return the counts of the whole span."""
    judged, ends = passed.judged, defaultdict[str, dict[str, int]](dict)
    for name, times in sorted(passed.runs.items()):
        flow, how = name.split(" ", 1)
        ends[flow][how] = times
    shown = Table(show_header=False)
    shown.add_row("wrong", str(len(judged.wrong)))
    shown.add_row("simulated", f"{days:g} days in {seconds:.0f} s")
    for owner, end in judged.ends.items():
        shown.add_row(owner, end)
    shown.add_row("orders of ours", str(judged.orders))
    shown.add_row("alerts", f"{judged.alerts} raised, {judged.arrived} told, {judged.repeated} as perhaps repeated")
    shown.add_row("verifications", "; ".join(judged.verifications) or "none planned")
    shown.add_row("happened", ", ".join(f"{times} {what}" for what, times in passed.happened.most_common()))
    shown.add_row("flow runs", str(passed.starts))
    for flow, hows in ends.items():
        shown.add_row(f"  {flow}", ", ".join(f"{times} {how}" for how, times in hows.items()))
    return shown


if __name__ == "__main__":
    sys.exit(main())
