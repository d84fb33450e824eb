"""Judge a week by the venues' own record, by what arrived at the webhook, and by what the store keeps; by no log."""

import re
from collections import Counter
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from brokers.simulator.orders import Order, Side, Status
from models.alert import Severity
from models.channel import DeliveryState, Word
from models.reasons import AccountStatus
from models.store.alert_tables import DELIVERIES
from models.store.engine import Store
from models.store.halts import standing_halts
from models.store.tables import ACCOUNT_RUNS, OPERATIONAL_ALERTS, VERIFICATIONS
from rules.telling import REPEATED
from tests.drills.desk import QUOTES
from tests.drills.record import disagreements, read_ledger, undecided
from tests.drills.week.town import OWNERS, Town

LATEST = timedelta(hours=6)  # so much later than planned a verification is still made
_TELLS = frozenset({"NOT_VERIFIED", "RUN_CRASHED", "STALLED", "PIPELINE_SILENT", "PIPELINE_FAILING"})
_VERIFY = "verify_weekly"


@dataclass
class Judged:
    """What is wrong, and the counts that say what was looked at."""

    wrong: list[str] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    orders: int = 0
    alerts: int = 0
    arrived: int = 0
    repeated: int = 0
    verifications: list[str] = field(default_factory=list)


class _Ours:
    """A venue's record without what people bought themselves."""

    def __init__(self, town: Town, owner: str) -> None:
        self._venue = town.venue(owner)

    def orders(self, account: str) -> list[Order]:
        """Return the sales."""
        return [copy(one) for one in self._venue.orders(account) if one.side is Side.SELL]


async def judge(
    store: Store, town: Town, arrived: Iterable[dict[str, Any]], planned: Iterable[datetime], policy: dict[str, Any]
) -> Judged:
    """Judge what there is at the end. `planned`: when a verification was to be made. Raises: StoreError."""
    judged = Judged()
    for owner in OWNERS:
        await _account(store, town, owner, policy, judged)
    await _reports(store, judged)
    await _told(store, list(arrived), judged)
    await _verified(store, list(planned), judged)
    return judged


async def _account(store: Store, town: Town, owner: str, policy: dict[str, Any], judged: Judged) -> None:
    """An account is in shape by its venue's record, or halted; its ledger says what the venue says; nothing twice."""
    async with store.reading() as connection:
        ledger = await read_ledger(connection, owner)
    record: Any = _Ours(town, owner)
    sales = record.orders(owner)
    judged.orders += len(sales)
    judged.wrong += [f"{owner}: {fault}" for fault in disagreements(record, ledger, owner)]
    judged.wrong += [f"{owner}: {symbol} has no known end" for symbol in undecided(ledger)]
    sold = Counter(one.symbol for one in sales if one.status is Status.FILLED)
    for symbol, times in sold.items():
        if times > town.arrived[owner, symbol]:
            judged.wrong.append(f"{owner}: {symbol} came {town.arrived[owner, symbol]} times, was sold {times} times")
    halts = await standing_halts(store, owner)
    if halts:
        judged.ends[owner] = "halted: " + "; ".join(one.cause.value for one in halts)
        judged.wrong += [f"{owner}: halted without a cause" for one in halts if not one.sentence]
        return
    held, dust = _held(town, owner, policy)
    over = len(held) - policy["max_positions"]
    judged.ends[owner] = f"compliant, {len(held)} of {policy['max_positions']}"
    if over > 0:
        judged.wrong.append(f"{owner}: {over} over its cap and not halted: {', '.join(sorted(held))}")
    status = await _last_status(store, owner)
    if status != AccountStatus.COMPLIANT:
        judged.wrong.append(f"{owner}: the last run of the whole policy ended {status}")
    if dust:
        judged.wrong.append(f"{owner}: dust is left: {', '.join(sorted(dust))}")


def _held(town: Town, owner: str, policy: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return what the venue says is held and takes a slot, and what is dust."""
    venue = town.venue(owner)
    held: set[str] = set()
    dust: set[str] = set()
    for asset, total in venue.balances(owner).items():
        if asset in {QUOTES[OWNERS[owner]], "BNB"} or total <= 0:
            continue
        price = venue.price(town.symbol(owner, asset)) if asset != "AUT" else None  # it is delisted
        is_dust = price is not None and total * price < Decimal(policy.get("dust_threshold_usd", 1))
        (dust if is_dust else held).add(asset)
    return held, {asset for asset in dust if venue.balances(owner)[asset] * Decimal(100_000_000) >= 1}


async def _last_status(store: Store, owner: str) -> str:
    query = select(ACCOUNT_RUNS).where(ACCOUNT_RUNS.c.account == owner).order_by(ACCOUNT_RUNS.c.finished_at.desc())
    rows = await store.rows(query.limit(1))
    return str(rows[0].status) if rows else "nowhere, for there was none"


async def _reports(store: Store, judged: Judged) -> None:
    """No run came upon a fault of ours."""
    found = Counter(
        f"{row.account}: {error['code']} {error['message']}"
        for row in await store.rows(select(ACCOUNT_RUNS))
        for error in row.report.get("errors", [])
        if error["code"] == "INTERNAL_ERROR"
    )
    judged.wrong += [f"{times} times {words}" for words, times in found.items()]


async def _told(store: Store, arrived: list[dict[str, Any]], judged: Judged) -> None:
    """Each event was sent and arrived once; one that arrived twice says itself that it may be a repetition."""
    rows = await store.rows(select(DELIVERIES))
    told = {(row.alert_id, row.word) for row in rows if row.source == "operational"}
    for row in await store.rows(select(OPERATIONAL_ALERTS)):
        judged.alerts += 1
        if row.severity != Severity.INFO.value and (row.alert_id, Word.RAISED.value) not in told:
            judged.wrong.append(f"{row.code} {row.account} {row.symbol} of {row.raised_at} was told to nobody")
    lost = [row for row in rows if row.state not in {DeliveryState.SENT.value, DeliveryState.SUPERSEDED.value}]
    judged.wrong += [f"{row.event} {row.title} is {row.state}" for row in lost]
    sent = [row for row in rows if row.state == DeliveryState.SENT.value]
    keys = {row.event: _key(row) for row in sent}
    expected, got, unsure, unnamed = Counter(keys.values()), Counter[str](), Counter[str](), 0
    for one in arrived:
        found, is_unsure = _arrivals(one, keys)
        got.update(found)
        unsure.update(found if is_unsure else [])
        judged.repeated += is_unsure
        unnamed += _unnamed(one)
    judged.arrived = got.total() + unnamed
    missing = expected - got
    if missing.total() > unnamed:  # a message of very many names the first of them, and counts the others
        judged.wrong += [f"did not arrive: {key}" for key in missing]
    judged.wrong += [f"arrived {got[key]} times, not {expected[key]}: {key}" for key in got - expected - unsure]


def _key(row: Any) -> str:
    head = "over" if row.word == Word.OVER.value else row.severity
    return f"{row.happened_at:%Y-%m-%d %H:%M} UTC {head} {row.title}"


def _arrivals(one: dict[str, Any], keys: dict[str, str]) -> tuple[list[str], bool]:
    """Return what a message told of, by the keys of the outbox, and whether it says that it may be a repetition."""
    lines = str(one["message"]).splitlines()
    is_unsure = REPEATED in lines
    reference = lines[-1].removeprefix("[").removesuffix("]")
    if " and " not in reference:
        return [keys.get(reference, f"unknown {reference}")], is_unsure
    many = [re.match(r"(.{16} UTC) (\w+) (.*)$", line) for line in lines]
    known = sorted(set(keys.values()), key=len, reverse=True)
    found = []
    for line in (match.group(0) for match in many if match is not None):
        plain = re.sub(r" \(over since [^)]*\)(?=:)", "", line)
        found += [key for key in known if plain.startswith((f"{key}:", f"{key} (over since"))][:1]
    return found, is_unsure


def _unnamed(one: dict[str, Any]) -> int:
    """Return how many a message counts without their names."""
    counted = re.search(r"^and (\d+) more: ", str(one["message"]), re.MULTILINE)
    return 0 if counted is None else int(counted.group(1))


async def _verified(store: Store, planned: list[datetime], judged: Judged) -> None:
    """A verification that was planned is kept, or somebody was told that it is not."""
    kept = [row.started_at for row in await store.rows(select(VERIFICATIONS))]
    alerts = await store.rows(select(OPERATIONAL_ALERTS).where(OPERATIONAL_ALERTS.c.symbol == _VERIFY))
    for at in planned:
        made = [one for one in kept if at <= one <= at + LATEST + timedelta(minutes=1)]
        told = sorted({row.code for row in alerts if row.code in _TELLS and row.raised_at >= at})
        if made:
            judged.verifications.append(f"{at:%a %H:%M} made {made[0]:%a %H:%M}")
        elif told:
            judged.verifications.append(f"{at:%a %H:%M} missed, told: {', '.join(told)}")
        else:
            judged.wrong.append(f"the verification of {at:%Y-%m-%d %H:%M} is not kept, and nobody was told")
