"""A store that has seen one of everything that is measured, and what the metrics page says of it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from brokers.ledger import Ledger
from brokers.limits import limits_of
from flows.exporter.endpoint import written
from flows.exporter.reader import Reader, Reading
from models.alert import OperationalAlert, Severity
from models.breaker import Breaker, BreakerKey, CircuitState, Direction
from models.clock import SystemClock
from models.reasons import HaltCause, Mode, Verdict
from models.reconciliation import Difference, Finding
from models.settings import load_settings
from models.store.alerts import raise_alerts
from models.store.breakers import change
from models.store.counters import count
from models.store.engine import Store
from models.store.freezes import freeze_by_hand
from models.store.halts import halt
from models.store.heartbeats import PIPELINE, beat
from models.store.leases import Holder, hold
from models.store.reconciliations import save_reconciliation
from models.store.runs import finish_run, start_run
from models.store.throttles import change_level
from models.store.verifications import save_verification
from models.throttle import Level
from models.verification import CheckResult, Part, verification_report
from tests.builders import an_intent
from tests.drills.desk import Desk

Samples = dict[str, float]  # by name with its labels, as they stand in the text


def fill(desk: Desk) -> datetime:
    """Let everything happen once that a metric tells of; return when."""
    desk.policy |= {"max_positions": 1, "max_enforcement_cycles": 1}
    desk.worth({"BTC": 1000, "ETH": 500, "DUST": "0.5", "AUT": None})
    desk.run()
    now = datetime.now(UTC)
    desk.in_store(lambda store: _fill(store, desk, now))
    return now


def reading_of(desk: Desk) -> Reading:
    """Look as the endpoint does."""
    desk.write_fleet()
    return asyncio.run(Reader(load_settings(), desk.fleet, SystemClock()).read_now())


def samples_of(reading: Reading) -> Samples:
    """Return every sample of the page, read back by Prometheus' own parser."""
    text = written(reading, "")[0].decode()
    return dict(_samples(text))


def families_of(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield every series of a page by its name, with the names of its labels."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, frozenset(sample.labels)


def _samples(text: str) -> Iterator[tuple[str, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            yield f"{sample.name}{{{labels}}}" if labels else sample.name, sample.value


async def _fill(store: Store, desk: Desk, now: datetime) -> None:
    owned = {"mode": Mode.LIVE, "policy_version": "1", "now": now}
    with Holder(desk.home) as holder:
        async with hold(store, "platform", holder) as lease:
            await Ledger(store).commit(lease, [an_intent("LEFT/USD")], now - timedelta(minutes=5))
    checks = [
        CheckResult(part=Part.RULES, name=name, verdict=verdict, found="", seconds=0)
        for name, verdict in (("cap", Verdict.OK), ("dust", Verdict.OK), ("exits", Verdict.FAIL), ("reads", Verdict.OK))
    ]
    await save_verification(store, verification_report("verification", now, now, checks))
    counted = {"low_balance_warnings": 2, "sized_entries": 4, "volatility_adjustments": 3, "fallback_activations": 1}
    await count(store, counted, now=now)
    await count(store, {"low_balance_warnings": 5}, now=now - timedelta(days=400))
    await raise_alerts(store, [OperationalAlert("HALTED", "a test", Severity.CRITICAL, "platform")], now=now)
    await halt(store, "platform", run_id="a", cause=HaltCause.DRAWDOWN, detail="", clears_when="", **owned)  # type: ignore[arg-type]
    await freeze_by_hand(store, "platform", "ETH/USD", by="a test", reason="a test", **owned)  # type: ignore[arg-type]
    await save_reconciliation(store, "platform", [Difference(Finding.QUANTITY, "BTC/USD")], **owned)  # type: ignore[arg-type]
    await beat(store, "enforce_cap", {PIPELINE: "ok"}, now=now, every=timedelta(minutes=5))
    await beat(store, "normalize", {PIPELINE: "ok", "platform": "halted"}, now=now)
    for run_id, seconds in (("quick", 1), ("slow", 90)):
        began = now - timedelta(seconds=seconds)
        await start_run(store, run_id, pipeline="enforce_cap", mode="live", fleet="", now=began)
        await finish_run(store, run_id, now=now)
    await start_run(store, "endless", pipeline="enforce_cap", mode="live", fleet="", now=now)
    way = BreakerKey("kraken", "127.0.0.1:1", "platform", Direction.WRITE)
    is_open = Breaker(CircuitState.OPEN, state_since=now.timestamp(), total_calls=10, total_failures=3)
    await change(store, way, lambda _before, _hour: (is_open, None))
    limit = limits_of("kraken").all[0]
    half = Level(used=limit.limit.capacity / 2, updated_at=now.timestamp() + 60, grants=((now.timestamp() + 60, 1.0),))
    await change_level(store, f"kraken||{limit.name}", lambda _before, _hour: (half, None))
