"""Normalise one fleet by Nija and by a bare asyncio ccxt loop that makes the same calls, in one run.

100 accounts of 20 positions, 12 to be sold in each, half on Kraken and half on Binance, every answer 20 ms late. Both
are measured from outside as whole processes, in turn, each on venues of its own that start from the same state; the
venues' own records say how many calls each made and must show the same holdings at the end.

    python benchmarks/fleet.py [--accounts 100] [--runs 3] [--latency-ms 20]
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from brokers.simulator.credentials import simulated_credentials

HERE = Path(__file__).resolve().parent
POSITIONS, CAP, SETTLE_SECONDS = 20, 8, 1
QUOTES = {"kraken": "USD", "binance": "USDT"}


@dataclass
class Result:
    """One measured process."""

    name: str
    seconds: float
    inner_seconds: float
    peak_mib: float
    calls: Counter[str]
    holdings: dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=20)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nija-bench-"))
    try:
        with prefect_server(folder) as api:
            pairs = []
            for number in range(options.runs):
                bare = measure("bare ccxt loop", folder / f"bare-{number}", options, api)
                nija = measure("nija", folder / f"nija-{number}", options, api)
                assert nija.holdings == bare.holdings, "the two left different holdings behind"
                pairs.append((bare, nija))
                show(bare)
                show(nija)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    summary(pairs, options)


def measure(name: str, folder: Path, options: argparse.Namespace, api: str) -> Result:
    """Run one contender on fresh venues."""
    folder.mkdir()
    with ExitStack() as stack:
        urls = {venue: stack.enter_context(simulated(venue, folder, options)) for venue in QUOTES}
        fleet = write_fleet(folder, urls, options.accounts)
        environment = os.environ | keys(options.accounts) | {"NIJA_HOME": str(folder / "home"), "PREFECT_API_URL": api}
        environment["NIJA_LIMITS_FACTOR"] = "1000"  # these venues do not count, and the bare loop does not wait
        if name == "nija":
            arguments = ["-m", "cli", "normalize", "--fleet", str(fleet), "--live", "--yes", "--json"]
        else:
            arguments = [str(HERE / "bare_loop.py"), str(fleet)]
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, cwd=HERE.parent
        )
        assert process.stdout is not None
        report = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{name} exited with {process.returncode}"
        return Result(
            name=name,
            seconds=seconds,
            inner_seconds=took(report),
            peak_mib=usage.ru_maxrss / 1024,
            calls=calls(urls),
            holdings={venue: holdings(url) for venue, url in urls.items()},
        )


def took(report: dict[str, Any]) -> float:
    """Return the seconds a contender worked, without the start of its process."""
    started, finished = (datetime.fromisoformat(report[key]) for key in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def world(venue: str, options: argparse.Namespace) -> dict[str, Any]:
    """Describe a venue with its half of the accounts: 20 positions of $15 to $1,500 each."""
    quote = QUOTES[venue]
    bases = [f"C{number:02d}X" for number in range(POSITIONS)]
    sizes = {"lot_step": "0.00001", "min_quantity": "0.001", "min_notional": "1"}
    held = {base: str(15 + 75 * number) for number, base in enumerate(bases)}
    names = account_names(venue, options.accounts)
    return {
        "venue": venue,
        "latency_ms": options.latency_ms,
        "markets": [{"symbol": f"{base}/{quote}", "price": "1", **sizes} for base in bases],
        "accounts": {name: {"balances": {quote: "100", **held}} for name in names},
    }


def account_names(venue: str, accounts: int) -> list[str]:
    """Name a venue's half of the accounts."""
    return [f"{venue}-{number}" for number in range(accounts // 2)]


@contextmanager
def simulated(venue: str, folder: Path, options: argparse.Namespace) -> Iterator[str]:
    """Serve a venue in a process of its own; yield its address."""
    path, announced = folder / f"{venue}.json", folder / f"{venue}-server.json"
    path.write_text(json.dumps(world(venue, options)))
    state = folder / f"{venue}.sqlite"
    command = ["-m", "brokers.simulator", str(path), str(state), str(announced), "0", "600"]
    server = subprocess.Popen([sys.executable, *command], cwd=HERE.parent, stderr=subprocess.DEVNULL)
    try:
        yield wait_for(lambda: json.loads(announced.read_text())["url"])
    finally:
        server.terminate()
        server.wait()


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Serve Prefect in a process of its own; yield the address of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment.pop("PREFECT_API_URL", None)
    command = ["-m", "prefect", "server", "start", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([sys.executable, *command], env=environment, **quiet)
    try:
        api = f"http://127.0.0.1:{port}/api"
        wait_for(lambda: get(f"{api}/health"))
        yield api
    finally:
        server.terminate()
        server.wait()


def wait_for(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (OSError, ValueError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def get(url: str) -> Any:
    """Read a JSON document."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def calls(urls: dict[str, str]) -> Counter[str]:
    """Return how often each operation was called, by the venues' own record."""
    total: Counter[str] = Counter()
    for url in urls.values():
        for name, count in get(f"{url}/_sim/calls")["counts"].items():
            total[name.split("|")[0]] += count
    return total


def holdings(url: str) -> Any:
    """Return what every account holds, by the venue's own record."""
    return {name: account["balances"] for name, account in get(f"{url}/_sim/state")["accounts"].items()}


def write_fleet(folder: Path, urls: dict[str, str], accounts: int) -> Path:
    """Write the fleet file that both contenders read. It is JSON, which is YAML."""
    path = folder / "fleet.yaml"
    rows = [
        {"id": name, "kind": "platform", "venue": venue, "policy": "p", "url": url, "quote": QUOTES[venue]}
        for venue, url in urls.items()
        for name in account_names(venue, accounts)
    ]
    policy = {"max_positions": CAP, "settle_seconds": SETTLE_SECONDS}
    path.write_text(json.dumps({"version": 1, "policies": {"p": policy}, "accounts": rows}))
    return path


def keys(accounts: int) -> dict[str, str]:
    """Return every account's credentials as the environment has them."""
    found = {}
    for venue in QUOTES:
        for name in account_names(venue, accounts):
            key, secret, _ = simulated_credentials(name)
            prefix = f"NIJA_{name.upper().replace('-', '_')}"
            found |= {f"{prefix}_API_KEY": key, f"{prefix}_API_SECRET": secret}
    return found


def show(result: Result) -> None:
    """Print one measured process."""
    made = ", ".join(f"{name} {count}" for name, count in sorted(result.calls.items()))
    print(
        f"{result.name:14} {result.seconds:6.2f} s ({result.inner_seconds:5.2f} s at work), "
        f"{result.peak_mib:5.0f} MiB, {sum(result.calls.values())} calls: {made}",
        flush=True,
    )


def summary(pairs: list[tuple[Result, Result]], options: argparse.Namespace) -> None:
    """Print the ratios of Nija to the bare loop, pair by pair."""
    for what in ("seconds", "inner_seconds", "peak_mib"):
        ratios = [getattr(nija, what) / getattr(bare, what) for bare, nija in pairs]
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"nija / bare, {what}: median {statistics.median(ratios):.2f} ({each})")
    print(f"{options.accounts} accounts x {POSITIONS} positions, {POSITIONS - CAP} sold each, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
