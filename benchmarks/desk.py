"""How fast the desk is with a fleet of 1,000 accounts while 20 viewers look on and the store changes every second.

The desk is a process of its own, over a store of its own (SQLite, or PostgreSQL by --database-url); the viewers are
pages of a real Chromium that are pushed every change. Measured are: the API as a script asks it, one request after the
other; the first paint and the first row of the fleet's page in a browser that comes anew; and how long a change takes
until an open page shows it.

    python benchmarks/desk.py [--accounts 1000] [--viewers 20] [--requests 200]
"""

# ruff: noqa: E402 - its own folder is taken off the path first, where this file would stand for the package

import argparse
import asyncio
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]  # `desk`

import yaml
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Connection, insert, update

from desk.people.secrets import hashed
from models.people import Permit, Role, Via, Who
from models.store.desk_tables import PEOPLE
from models.store.engine import Store
from models.store.sessions import start_session
from models.store.tables import BALANCES, HEARTBEATS, SNAPSHOTS, TRACKED
from models.store.tokens import add_token

POSITIONS = 8
SETTLE_SECONDS = 15
SESSION, TOKEN = "a session of the benchmark", "nija_token_of_the_benchmark"
FIRST_ROW = ".table tbody tr"
PAINT = """() => { const found = performance.getEntriesByName("first-contentful-paint");
  return found.length ? found[0].startTime : null; }"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--loads", type=int, default=10)
    parser.add_argument("--database-url", help="A PostgreSQL database that is empty.")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nija-bench-desk-"))
    url = options.database_url or f"sqlite:///{folder / 'nija.db'}"
    names = [f"account-{number:04d}" for number in range(options.accounts)]
    write_fleet(folder / "fleet.yaml", names)
    try:
        port = free_port()
        asyncio.run(fill(url, names))
        with serving(folder, url, port) as desk, sync_playwright() as playwright:
            found = os.environ.get("NIJA_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            measure(browser, desk, port, url, options)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(browser: Browser, desk: str, port: int, url: str, options: argparse.Namespace) -> None:
    """Have the viewers look on, change the store all the time, and measure."""
    context = browser.new_context(viewport={"width": 1400, "height": 950})
    context.add_cookies([{"name": f"nija_desk_{port}", "value": SESSION, "url": desk}])
    viewers = [opened(context.new_page(), desk) for _ in range(options.viewers)]
    print(f"{options.accounts} accounts, {options.accounts * POSITIONS} positions, {len(viewers)} viewers connected")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {url.split(':', 1)[0]}")
    time.sleep(SETTLE_SECONDS)  # the browser is still busy with so many new pages, on the machine that is measured
    with changing(url):
        for path in ("/api/fleet", "/api/accounts?limit=100", "/api/accounts?limit=1000", "/api/accounts/account-0500"):
            told(f"GET {path}", [asked(desk + path) for _ in range(options.requests)])
        paints, rows = [], []
        for _ in range(options.loads):
            fresh = browser.new_context()
            fresh.add_cookies([{"name": f"nija_desk_{port}", "value": SESSION, "url": desk}])
            page, began = fresh.new_page(), time.perf_counter()
            page.goto(desk)
            page.wait_for_selector(FIRST_ROW)
            rows.append((time.perf_counter() - began) * 1000)
            paints.append(float(page.evaluate(PAINT) or 0))
            fresh.close()
        told("first paint of the fleet's page, nothing cached", paints)
        told("first row of it to be seen", rows)
    told("a change until an open page shows it", [pushed(viewers[0], url, number) for number in range(8)])


def pushed(page: Page, url: str, number: int) -> float:
    """Change what one account holds, and wait until the page says so."""
    worth = Decimal(9_000_000 + number)
    page.get_by_label("Filter: Accounts").fill("account-0000")
    page.wait_for_timeout(1500)
    began = time.perf_counter()
    changing = threading.Thread(
        target=lambda: asyncio.run(change(url, "account-0000", worth))
    )  # Playwright has a loop here
    changing.start()
    page.get_by_text(f"{worth}.00").wait_for(timeout=15_000)
    return (time.perf_counter() - began) * 1000


def opened(page: Page, desk: str) -> Page:
    """Open the fleet's page and wait for its rows."""
    page.goto(desk)
    page.wait_for_selector(FIRST_ROW, timeout=60_000)
    return page


def asked(address: str) -> float:
    """Ask once; return the milliseconds until the whole answer is there."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
    return (time.perf_counter() - began) * 1000


def told(what: str, found: list[float]) -> None:
    """Print one line of figures."""
    p95 = statistics.quantiles(found, n=20, method="inclusive")[-1]
    print(f"{what:<52} median {statistics.median(found):7.1f} ms   p95 {p95:7.1f} ms   n {len(found)}")


@contextmanager
def serving(folder: Path, url: str, port: int) -> Iterator[str]:
    """Run `nija desk`."""
    told_to = {"NIJA_HOME": str(folder), "NIJA_FLEET": str(folder / "fleet.yaml"), "NIJA_DATABASE_URL": url}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "desk", "--no-link", "--port", str(port)],
        env=os.environ | told_to,
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def changing(url: str) -> Iterator[None]:
    """Let one account after the other be read anew, every second, as a fleet that runs does."""
    over = threading.Event()

    async def run() -> None:
        number = 0
        async with await Store.open(url) as store:
            while not over.is_set():
                await store.write(lambda c, n=number: _read_anew(c, f"account-{n % 100 + 100:04d}", Decimal(n)))  # type: ignore[misc]
                number += 1
                await asyncio.sleep(1)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


async def change(url: str, account: str, worth: Decimal) -> None:
    """Let one account be read anew."""
    async with await Store.open(url) as store:
        await store.write(lambda connection: _read_anew(connection, account, worth))


def _read_anew(connection: Connection, account: str, worth: Decimal) -> None:
    now = datetime.now(UTC)
    connection.execute(update(BALANCES).where(BALANCES.c.account == account).values(equity=worth, read_at=now))
    connection.execute(update(HEARTBEATS).where(HEARTBEATS.c.account == account).values(last_seen=now))


async def fill(url: str, names: list[str]) -> None:
    """Make a store as a fleet that runs leaves it."""
    now = datetime.now(UTC)
    owned = {"mode": "live", "policy_version": "benchmark"}
    seen = {"first_seen_at": now - timedelta(hours=3), "last_seen_at": now}
    tracked = [
        {"account": name, "symbol": f"C{n}/USD", "quantity": Decimal(1), "value": Decimal(100 + n), **owned, **seen}
        for name in names
        for n in range(POSITIONS)
    ]
    money = {"cash_free": Decimal(100), "cash_total": Decimal(100), "equity": Decimal(1000)}
    balances = [{"account": name, **money, "read_at": now, "errors": 0, **owned} for name in names]
    beats = [
        {"pipeline": pipeline, "account": name, "last_seen": now, "last_ok": now, "status": "compliant", "detail": ""}
        for pipeline in ("normalize", "reconcile", "enforce_cap")
        for name in names
    ]
    reads: list[dict[str, Any]] = [
        {
            "account": name,
            "run_id": "r",
            "cycle": 1,
            "taken_at": now,
            "cash_total": 100,
            "equity": 1000,
            "positions": [],
        }
        | owned
        for name in names
    ]

    def put(connection: Connection) -> None:
        connection.execute(insert(TRACKED), tracked)
        connection.execute(insert(BALANCES), balances)
        connection.execute(insert(HEARTBEATS), beats)
        connection.execute(insert(SNAPSHOTS), reads)
        viewer = {"name": "viewer", "role": Role.VIEWER.value, "password": "none", "created_by": "b", "created_at": now}
        connection.execute(insert(PEOPLE), viewer)

    who = Who("b", Role.ADMIN, Via.TERMINAL)
    async with await Store.open(url) as store:
        await store.write(put)
        await start_session(store, hashed(SESSION), "viewer", address="", now=now)
        row = {"name": "b", "person": "viewer", "permits": {Permit.READ}, "expires_at": None, "by": who, "now": now}
        await add_token(store, hashed(TOKEN), **row)  # type: ignore[arg-type]


def write_fleet(file: Path, names: list[str]) -> None:
    """Write a fleet file of so many accounts, of two venues."""
    rows = [
        {
            "id": name,
            "kind": "user" if number else "platform",
            "venue": ("kraken", "binance")[number % 2],
            "quote": "USD",
        }
        for number, name in enumerate(names)
    ]
    file.write_text(yaml.safe_dump({"version": 1, "limits": {"max_positions_total": 10_000}, "accounts": rows}))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


if __name__ == "__main__":
    main()
