"""Start the venue as a process of its own: once, whoever asks."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from brokers.simulator.launch import ensure_running
from brokers.simulator.world import WorldError
from tests.brokers.simulator.clients import a_client, a_world

pytestmark = pytest.mark.wire


@pytest.fixture
def world_path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(a_world("kraken").model_dump(mode="json", exclude_none=True)))
    yield path
    for announced in tmp_path.glob("simulator/*/server.json"):
        with suppress(ProcessLookupError):
            os.kill(json.loads(announced.read_text())["pid"], signal.SIGTERM)


def test_two_callers_at_once_start_one_server(world_path: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(lambda _: ensure_running(world_path, tmp_path).url, range(2)))

    assert urls[0] == urls[1]
    assert _health(urls[0])["venue"] == "kraken"
    assert "listening" in (next(tmp_path.glob("simulator/*/server.log"))).read_text()


async def test_a_killed_server_is_started_again_with_its_state_at_its_place(world_path: Path, tmp_path: Path) -> None:
    url = ensure_running(world_path, tmp_path).url
    async with connected_to(url) as client:
        await client.create_order("BTC/USD", "market", "sell", 0.01)
    os.kill(_health(url)["pid"], signal.SIGKILL)

    again = ensure_running(world_path, tmp_path).url
    async with connected_to(again) as client:
        balance = await client.fetch_balance()

    assert again == url
    assert balance["total"]["BTC"] == 0.01


def test_a_changed_world_replaces_the_server_of_the_old_one(world_path: Path, tmp_path: Path) -> None:
    old = _health(ensure_running(world_path, tmp_path).url)
    world_path.write_text(world_path.read_text().replace("seed: 7", "seed: 8"))

    new = _health(ensure_running(world_path, tmp_path).url)

    assert old["fingerprint"] != new["fingerprint"]
    assert not _is_alive(old["pid"])


def test_an_idle_server_stops_by_itself(world_path: Path, tmp_path: Path) -> None:
    pid = _health(ensure_running(world_path, tmp_path, idle_seconds=0.3).url)["pid"]

    end = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)

    assert not _is_alive(pid)


def test_a_wrong_world_starts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text("venue: mtgox\n")

    with pytest.raises(WorldError):
        ensure_running(path, tmp_path)

    assert not (tmp_path / "simulator").exists()


@asynccontextmanager
async def connected_to(url: str) -> AsyncIterator[Any]:
    client = a_client(url, a_world("kraken"))
    try:
        yield client
    finally:
        await client.close()


def _health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/_sim/health", timeout=5) as answer:  # noqa: S310  http only
        return json.load(answer)


def _is_alive(pid: int) -> bool:
    """Whether the process still runs; one that ended may wait to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
