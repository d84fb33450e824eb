"""Compare one account's books with its venue: what it is worth, what it holds, what rests there. Sends nothing."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from prefect import task
from prefect.cache_policies import NO_CACHE

from brokers.order_history import ours_among
from models.amounts import money
from models.errors import EquityMismatched, VenueError
from models.position import Snapshot
from models.reconcile_report import ReconciledAccount, difference_report
from models.reconciliation import MISMATCHES, Difference, Finding, Reconciliation
from models.store.reconciliations import reconciliation_of, save_reconciliation
from models.store.tracked import KeptPositions, last_positions, positions_by
from rules.adoption import Trade
from rules.reconcile import agrees, books_of, equity_mismatch, judge_holding, judge_orders, keep_accepted
from tasks.read_account import check_snapshot, failure_counted, read_what_is_left, refuse_empty_looking
from tasks.runtime import AccountAt
from tasks.track import track

log = logging.getLogger(__name__)

_CLOCKS = timedelta(minutes=1)  # an order's instants may be of the venue's clock


@dataclass
class _Comparison:
    """What one account's comparison has found so far."""

    snapshot: Snapshot
    before: Reconciliation | None
    is_trusted: bool  # whether the read passed its checks, so that it may replace what is tracked
    since: datetime | None = None
    undecided: int = 0
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


async def reconcile_account_at(at: AccountAt) -> ReconciledAccount:
    """Compare, keep the venue's word as what is tracked, and keep what stands.

    Raises: VenueError, ContractBroken, EmptyLooking, BalanceLagging: the read failed, and nothing was changed;
    StoreError.
    """
    seen = await _read(at)
    seen.differences += _equity(at, seen.snapshot)
    seen.differences += await _orders(at, seen)
    if seen.is_trusted:
        seen.differences += await _holdings(at, seen)
        kept = await track(at)
        seen.new, seen.gone = sorted(kept.after.keys() - kept.before.keys()), list(kept.gone)
    elif seen.before is not None:  # what was not compared stands as it was
        seen.differences += [d for d in seen.before.mismatches if d.finding is Finding.QUANTITY]
    accepted = seen.before.standing if seen.before else ()
    seen.differences = keep_accepted(seen.differences, accepted, at.policy.equity_tolerance_fraction)
    standing = [d for d in seen.differences if d.finding in MISMATCHES]
    now, version = seen.snapshot.taken_at, at.policy.version
    await save_reconciliation(
        at.store, at.id, standing, before=seen.before, mode=at.mode, policy_version=version, now=now
    )
    return _told(at, seen)


async def _read(at: AccountAt) -> _Comparison:
    """Read the account. One whose worth the venue contradicts is compared, and not believed."""
    before = await reconciliation_of(at.store, at.id)
    async with failure_counted(at.runtime, at.account, at.mode):
        at.snapshot = await read_what_is_left(at)
        try:
            await check_snapshot(at, at.snapshot)
        except EquityMismatched:
            await refuse_empty_looking(at, at.snapshot)  # it comes first: an empty answer contradicts nothing
            return _Comparison(at.snapshot, before, is_trusted=False)
    return _Comparison(at.snapshot, before, is_trusted=True)


def _equity(at: AccountAt, snapshot: Snapshot) -> list[Difference]:
    mismatch = equity_mismatch(snapshot, at.policy.equity_tolerance_fraction)
    if mismatch is None:
        return []
    words = f"cash and positions are worth {money(mismatch.computed)}, the venue says {money(mismatch.reported)}"
    value = abs(mismatch.difference)
    return [Difference(Finding.EQUITY, "", mismatch.computed, mismatch.reported, value=value, detail=words)]


async def _orders(at: AccountAt, seen: _Comparison) -> list[Difference]:
    resting = seen.snapshot.open_orders
    ours = await ours_among(at.store, at.id, resting)
    timeout = timedelta(seconds=at.policy.order_timeout_seconds)
    undecided = await at.ledger.undecided(at.id)  # after the open orders: one that ended meanwhile is not looked for
    seen.undecided = len(undecided)
    return judge_orders(undecided, resting, ours, order_timeout=timeout, now=at.clock.now())


async def _holdings(at: AccountAt, seen: _Comparison) -> list[Difference]:
    """Compare what is held with what the books say, from when they last agreed with the venue."""
    books = await _last_agreed(at, seen.before)
    if books is None:
        return []
    seen.since = books.taken_at
    before = {p.symbol: p.holding.total for p in books.positions}
    # Where they did not agree, they say what they said then: nothing but an equal quantity or a person ends that.
    standing = [d for d in seen.before.mismatches if d.finding is Finding.QUANTITY] if seen.before else []
    before |= {d.symbol: d.expected for d in standing if d.expected is not None}
    held = {p.symbol: p.holding.total for p in seen.snapshot.positions}
    orders = await at.ledger.changed_since(at.id, books.taken_at - _CLOCKS)
    disputed = {d.symbol for d in standing}
    found = []
    for symbol in sorted(before.keys() | held.keys()):
        said = books_of(symbol, before.get(symbol, Decimal(0)), orders, books.taken_at)
        now = held.get(symbol, Decimal(0))
        if agrees(said, now):
            continue
        trades = None if symbol in disputed else await _trades(at, symbol, books.taken_at)
        difference = judge_holding(replace(said, is_ours=said.is_ours or symbol in disputed), now, trades)
        found.append(replace(difference, value=_worth(at, symbol, abs(now - said.expected))))
    return found


async def _last_agreed(at: AccountAt, before: Reconciliation | None) -> KeptPositions | None:
    if before is None:
        return await last_positions(at.store, at.id)
    return await positions_by(at.store, at.id, before.at)


async def _trades(at: AccountAt, symbol: str, since: datetime) -> tuple[Trade, ...] | None:
    """Read every fill in a symbol since then, whoever traded; None: they cannot be read."""
    by_venue = since + (at.client.now() - at.clock.now())
    try:
        return await at.client.trades(symbol, by_venue)
    except VenueError as error:
        log.warning("fills are not known", extra={"account": at.id, "symbol": symbol, "code": error.code})
        return None


def _worth(at: AccountAt, symbol: str, quantity: Decimal) -> Decimal | None:
    price = at.prices.get(symbol)
    return None if price is None or not price.value.is_finite() else quantity * price.value


def _told(at: AccountAt, seen: _Comparison) -> ReconciledAccount:
    snapshot = seen.snapshot
    reported = snapshot.reported_equity
    mismatch = any(d.finding is Finding.EQUITY for d in seen.differences)
    why = "" if at.policy.check_equity else "the policy does not want it compared"
    return ReconciledAccount(
        account=at.id,
        status="mismatch" if any(d.is_mismatch for d in seen.differences) else "ok",
        equity="not_comparable" if reported is None else "mismatch" if mismatch else "agrees",
        equity_computed=money(snapshot.equity),
        equity_reported=None if reported is None else money(reported),
        equity_detail=(why or "the venue does not say what the account is worth") if reported is None else "",
        compared_since=seen.since,
        positions=len(snapshot.positions),
        new=seen.new,
        gone=seen.gone,
        orders_undecided=seen.undecided,
        orders_resting=len(snapshot.open_orders),
        differences=[difference_report(d) for d in seen.differences],
    )


@task(name="reconcile", task_run_name="reconcile {at.id}", cache_policy=NO_CACHE, retries=0)  # retried call by call
async def reconcile_account(at: AccountAt) -> ReconciledAccount:
    """Compare one account's books with its venue."""
    return await reconcile_account_at(at)
