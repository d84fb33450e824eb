"""Measure the throttle against ccxt's own limiter, in one run: what it adds to a call, and how long an emergency waits.

1. Overhead: calls through the gate of a Binance client, with an allowance that is never used up, and as many through
   ccxt's limiter; nothing is sent. The store must have counted every one of them.
2. An emergency behind queued reads: real processes and the real client against a simulated venue (Bybit's format) that
   allows ten such calls a second. Nija: the reads are queued in one process as history, the emergency comes from
   another one. ccxt: the same with two processes that know nothing of each other, and with one client that both share.
   The venue's record says how many calls came, and how many of them it refused.

Example: python benchmarks/throttle.py --queued 500 --calls 20000
"""

import argparse
import asyncio
import multiprocessing
import os
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import ccxt.async_support as ccxt  # noqa: E402 - after the path
from ccxt.async_support.base.throttler import Throttler  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from brokers.hub import Venues  # noqa: E402
from brokers.limits import Request  # noqa: E402
from brokers.nonces import Turns  # noqa: E402
from brokers.simulator.handle import RunningVenue  # noqa: E402
from brokers.simulator.world import World  # noqa: E402
from brokers.throttle import Throttle, priority  # noqa: E402
from brokers.venues import adapter_for  # noqa: E402
from models.clock import SystemClock  # noqa: E402
from models.fleet import Account  # noqa: E402
from models.policy import Policy  # noqa: E402
from models.settings import Credentials  # noqa: E402
from models.store.engine import Store  # noqa: E402
from models.store.leases import Holder  # noqa: E402
from models.store.throttles import known_levels  # noqa: E402
from rules.throttle import Priority  # noqa: E402

WEIGHT = 20
EMERGENCIES = 5
PAUSE_SECONDS = 1.7  # between two emergencies: the reserve of the venue's second is two of them


@dataclass
class Waits:
    """How long emergencies waited for their answers, in seconds; None: refused by the venue, or never answered."""

    name: str
    seconds: list[float | None]
    calls: int
    refused: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="calls of the first part [20000]")
    parser.add_argument("--queued", type=int, default=500, help="reads that wait in the second part [500]")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nija-throttle-"))
    try:
        overhead(options.calls, folder)
        show([nija(options.queued, folder), *(bare(options.queued, shared=shared) for shared in (False, True))])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    version = f"ccxt {ccxt.__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}, {version}")


def overhead(calls: int, folder: Path) -> None:
    """Print what one call costs."""
    mine, counted = asyncio.run(through_the_gate(calls, f"sqlite:///{folder / 'overhead.db'}"))
    assert counted == calls * WEIGHT, f"the store counted {counted} of {calls * WEIGHT}"
    ccxts = asyncio.run(through_ccxt(calls))
    print(f"overhead of a call, one after the other, {calls} calls (the store counted all of them):")
    for name, (seconds, busy) in (("nija", mine), ("ccxt", ccxts)):
        print(f"  {name}  {seconds / calls * 1e6:7.1f} us, {busy / calls * 1e6:7.1f} us of them CPU time")


async def through_the_gate(calls: int, store_url: str) -> tuple[tuple[float, float], float]:
    """Return the seconds it took and those of CPU time, and what the store counted."""
    request = Request("account", "GET", {}, WEIGHT / 5, is_private=True)
    async with await Store.open(store_url) as store:
        throttle = Throttle(store, SystemClock(), factor=1000, trusts_this_machine=False)
        gate = throttle.gate("binance", None, "a key")
        assert gate is not None
        began = now()
        for _ in range(calls):
            async with gate.passing(request, None):
                pass
        seconds = since(began)
        await throttle.close()
        return seconds, sum(known.level.used for known in await known_levels(store))


async def through_ccxt(calls: int) -> tuple[float, float]:
    """Return the seconds it took and those of CPU time."""
    limiter = Throttler({"capacity": 1e12, "tokens": 1e12, "refillRate": 1.0, "delay": 0.001})
    began = now()
    for _ in range(calls):
        await limiter(WEIGHT)
    return since(began)


def now() -> tuple[float, float]:
    """Return the instant, and the CPU time of the process so far."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Return what has passed of both."""
    return time.perf_counter() - began[0], time.process_time() - began[1]


def world() -> World:
    """Describe the venue."""
    market = {"symbol": "ETH/USDT", "price": "2500"}
    accounts = {"platform": {"balances": {"USDT": "100"}}}
    return World.model_validate({"venue": "bybit", "markets": [market], "accounts": accounts, "rate_limits": True})


def nija(queued: int, folder: Path) -> Waits:
    """Queue reads in one process and make emergencies in another one."""
    store_url = f"sqlite:///{folder / 'shared.db'}"
    return in_two_processes("nija, two processes", queued, (store_url, str(folder)))


def bare(queued: int, *, shared: bool) -> Waits:
    """Do the same with ccxt's limiter."""
    if not shared:
        return in_two_processes("ccxt, two processes", queued, None)
    with RunningVenue(world()) as venue:
        key = venue.credentials("platform")
        seconds = asyncio.run(behind_in_one_client(queued, venue.url, key))
        return judged("ccxt, one client", venue, [seconds])


def in_two_processes(name: str, queued: int, shared: tuple[str, str] | None) -> Waits:
    """Let one process queue reads; measure the emergencies of the other one."""
    context = multiprocessing.get_context("spawn")
    with RunningVenue(world()) as venue:
        key = venue.credentials("platform")
        ready, go = context.Event(), context.Event()
        told: Any = context.Queue()
        urgent = context.Process(target=run, args=(emergencies, venue.url, key, shared, (ready, go, told)), daemon=True)
        urgent.start()
        assert ready.wait(60), "the process of the emergencies did not start"
        reader = context.Process(target=run, args=(queue_up, venue.url, key, shared, queued), daemon=True)
        reader.start()
        wait_until(lambda: venue.calls("permissions") >= 8)  # noqa: PLR2004 - its allowance is used up
        go.set()
        seconds = told.get(timeout=180)
        reader.terminate()
        for process in (reader, urgent):
            process.join()
        return judged(name, venue, seconds)


def judged(name: str, venue: RunningVenue, seconds: list[float | None]) -> Waits:
    """Read off the venue's record what came of the calls."""
    outcomes = Counter(c.outcome == "ok" for c in venue.call_log() if c.operation == "permissions")
    assert outcomes[True], "no call arrived"
    return Waits(name, seconds, outcomes.total(), outcomes[False])


def run(act: Any, *arguments: Any) -> None:
    """Run in a process of its own."""
    asyncio.run(act(*arguments))


async def connected(stack: AsyncExitStack, url: str, key: Any, shared: tuple[str, str] | None) -> Any:
    """Return one call, through Nija's client or through a bare one."""
    if shared is None:
        client = bare_client(url, key)
        stack.push_async_callback(client.close)
        return client.privateGetV5UserQueryApi
    clock = SystemClock()
    holder = stack.enter_context(Holder(Path(shared[1])))
    store = await stack.enter_async_context(await Store.open(shared[0]))
    turns = Turns(store, holder, clock, 10, timedelta(0))
    venues = await stack.enter_async_context(
        Venues(clock, 10, turns, throttle=Throttle(store, clock, trusts_this_machine=False))
    )
    account = Account.model_validate({"id": "platform", "kind": "platform", "venue": "bybit", "url": url})
    credentials = Credentials(SecretStr(key[0]), SecretStr(key[1]))
    at = venues.shared(account, url, credentials)
    await at.load(Policy())
    return at.account_client("platform", credentials, Policy()).permissions


def bare_client(url: str, key: Any) -> Any:
    """Return ccxt's client as it comes."""
    return ccxt.bybit({**adapter_for("bybit").config(url), "apiKey": key[0], "secret": key[1], "timeout_on_exit": 0})


async def queue_up(url: str, key: Any, shared: tuple[str, str] | None, queued: int) -> None:
    """Make reads, all at once."""
    async with AsyncExitStack() as stack:
        call = await connected(stack, url, key, shared)
        with priority(Priority.HISTORY):
            await asyncio.gather(*(call() for _ in range(queued)), return_exceptions=True)


async def emergencies(url: str, key: Any, shared: tuple[str, str] | None, signals: tuple[Any, Any, Any]) -> None:
    """Make emergencies when told to, and say how long each waited."""
    ready, go, told = signals
    async with AsyncExitStack() as stack:
        call = await connected(stack, url, key, shared)
        ready.set()
        await asyncio.to_thread(go.wait)
        seconds: list[float | None] = []
        for _ in range(EMERGENCIES):
            began = time.perf_counter()
            try:
                with priority(Priority.EMERGENCY):
                    await call()
                seconds.append(time.perf_counter() - began)
            except ccxt.BaseError:
                seconds.append(None)
            await asyncio.sleep(PAUSE_SECONDS)
        told.put(seconds)


async def behind_in_one_client(queued: int, url: str, key: Any) -> float:
    """Return how long a call waits that comes after the others at the same client."""
    client = bare_client(url, key)
    try:
        reads = [asyncio.create_task(client.privateGetV5UserQueryApi()) for _ in range(queued)]
        await asyncio.sleep(0.5)
        began = time.perf_counter()
        await client.privateGetV5UserQueryApi()
        seconds = time.perf_counter() - began
        for read in reads:
            with suppress(ccxt.BaseError):
                await read
        return seconds
    finally:
        await client.close()


def wait_until(happened: Any, seconds: float = 60) -> None:
    """Wait for something at the venue."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "the reads did not begin"
        time.sleep(0.01)


def show(found: list[Waits]) -> None:
    """Print the second part."""
    print("an emergency behind queued reads, real processes against a simulated venue of ten calls a second:")
    for waits in found:
        known = [s for s in waits.seconds if s is not None]
        lost = len(waits.seconds) - len(known)
        told = f"median {statistics.median(known):6.3f} s, worst {max(known):6.3f} s" if known else "never answered"
        print(f"  {waits.name:20} {told}; {lost} of {len(waits.seconds)} emergencies refused;", end=" ")
        print(f"the venue refused {waits.refused} of {waits.calls} calls")


if __name__ == "__main__":
    main()
