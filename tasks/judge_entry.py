"""Judge whether an account may enter a symbol now: read it at its venue, collect every block, keep the slot if asked.

The same for a bot that asks and for a rebalancing that buys. Read-only but for the slot.
"""

import dataclasses
import uuid
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal

from brokers.ledger import Ledger
from models.amounts import plain
from models.balance import BalanceState
from models.errors import ContractBroken, EmptyLooking, EquityMismatched, NijaError, VenueError, VenueUnavailable
from models.fleet import Account
from models.market import Price
from models.policy import Policy
from models.position import Snapshot
from models.reasons import Block, HaltCause, Mode
from models.report import ErrorReport
from models.store.balances import balance_of
from models.store.counters import count
from models.store.dust import standing_marks
from models.store.freezes import freezes
from models.store.halts import standing_halts
from models.store.overrides import standing_overrides
from models.store.reconciliations import standing_mismatches
from models.store.reservations import Reservation, reserve
from models.store.risk_days import risk_day
from models.store.risk_trips import ReadBy, save_read
from rules.balance import balance_words
from rules.cap import slots_taken
from rules.entry import EntryFacts, EntryVerdict, judge_entry
from rules.limits import day_judge, is_stopped, low_balance_words
from rules.valuation import unvalued_words
from rules.viability import fee_words, round_trip_fraction
from tasks.fleet_positions import Elsewhere, count_elsewhere
from tasks.last_known import last_known
from tasks.read_account import check_snapshot, failure_counted, read_snapshot
from tasks.runtime import AccountAt, Runtime, open_account


@dataclasses.dataclass(frozen=True, slots=True)
class JudgedEntry:
    """The verdict with the facts it was made of, what must be known beside it, and the balance as it is kept."""

    verdict: EntryVerdict
    facts: EntryFacts
    errors: list[ErrorReport]
    balance: BalanceState


@dataclasses.dataclass
class _Seen:
    """What could be read of the account, and what went wrong."""

    snapshot: Snapshot | None = None
    price: Price | None = None
    elsewhere: set[tuple[str, str]] = dataclasses.field(default_factory=set)  # slots: account and symbol
    is_contract_broken: bool = False
    is_unavailable: bool = False  # for now: what was read last of it stays what is known
    errors: list[ErrorReport] = dataclasses.field(default_factory=list)

    def complain(self, error: NijaError) -> None:
        """Keep what went wrong."""
        self.errors.append(ErrorReport(code=error.code, message=str(error)))


async def judged_entry(
    runtime: Runtime, account: Account, symbol: str, notional: Decimal, *, reserving: bool = True
) -> JudgedEntry:
    """Read the account at its venue and judge the entry; an allowed one keeps its slot for a moment if `reserving`.

    `notional` in quote units. Raises: ConfigError, StoreError.
    """
    policy = runtime.fleet.policies[account.id]
    siblings = runtime.fleet.siblings(account)
    seen = await _look(runtime, account, siblings, symbol)
    frozen = {freeze.symbol: freeze for freeze in await freezes(runtime.store, account.id) if freeze.is_frozen}
    if symbol in frozen:
        seen.errors.append(ErrorReport(code="SYMBOL_FROZEN", symbol=symbol, message=frozen[symbol].sentence))
    contradicted = await standing_mismatches(runtime.store, account.id)
    seen.errors += [ErrorReport(code="RECONCILIATION_FAILED", message=difference.words) for difference in contradicted]
    now, balance = runtime.clock.now(), await balance_of(runtime.store, account.id)
    causes, set_aside = await _standing(runtime, account, seen.errors)
    await _warn_of_low_balance(runtime, account, seen)
    _name_unvalued(seen)
    _tell_of_fees(seen, symbol, notional, policy)
    elsewhere = await count_elsewhere(runtime, runtime.fleet.of_others(account))
    seen.errors += elsewhere.warnings
    facts = EntryFacts(
        symbol=symbol,
        amount_quote=notional,
        policy=policy,
        snapshot=seen.snapshot,
        price=seen.price,
        now=now,
        marks=await standing_marks(runtime.store, account.id),
        undecided=await Ledger(runtime.store).undecided(account.id),
        counted_elsewhere=len(seen.elsewhere),
        is_halted=is_stopped(causes, set_aside),
        is_contract_broken=seen.is_contract_broken,
        is_breaker_open=any(error.code == "BREAKER_OPEN" for error in seen.errors),
        last_balance=balance if seen.is_unavailable and balance.is_known else None,
        frozen=frozen.keys(),
        is_unreconciled=bool(contradicted),
        day=await risk_day(runtime.store, account.id),
        halted_for=causes,
        allowed_in_fleet=runtime.fleet.limits.allows_entry_up_to,
        set_aside=set_aside,
    )
    verdict = await _judge_and_reserve(runtime, seen.elsewhere, account, facts, elsewhere, reserving=reserving)
    return JudgedEntry(verdict, facts, seen.errors, balance)


async def _look(runtime: Runtime, account: Account, siblings: Sequence[Account], symbol: str) -> _Seen:
    seen = _Seen()
    try:
        await _look_here(runtime, account, symbol, seen)
        for sibling in siblings:
            seen.elsewhere |= {(sibling.id, symbol) for symbol in await _slots_of(runtime, sibling)}
    except EquityMismatched as error:  # the rule says so itself, from the snapshot
        seen.complain(error)
    except ContractBroken as error:
        seen.is_contract_broken = True
        seen.complain(error)
    except (VenueError, EmptyLooking) as error:
        seen.snapshot = None  # unread, empty-looking, or its owner's other account is: how many there are is unknown
        seen.complain(error)
    return seen


async def _look_here(runtime: Runtime, account: Account, symbol: str, seen: _Seen) -> None:
    """Read the account itself; where that fails in transport, look up what the policy allows to be used instead."""
    async with AsyncExitStack() as stack:
        try:
            async with failure_counted(runtime, account, Mode.PLAN):
                opened = open_account(runtime, account, run_id=_run_id(), mode=Mode.PLAN)
                at = await stack.enter_async_context(opened)
        except VenueUnavailable:
            seen.is_unavailable = True
            raise
        try:
            async with failure_counted(runtime, account, Mode.PLAN):
                snapshot = await read_snapshot(at)
                seen.snapshot, seen.price = _with_market(at, snapshot, symbol), at.prices.get(symbol)
                await check_snapshot(at, snapshot)
        except VenueUnavailable as error:
            seen.is_unavailable = True
            seen.complain(error)
            await _look_back(at, symbol, seen)
        else:
            read_by = ReadBy(at.run_id, at.mode, at.policy.version)
            await save_read(at.store, snapshot, day_judge(snapshot, at.policy.risk_limits), read_by=read_by)
        if kept_back := await at.client.orders_kept_back():
            seen.complain(kept_back)


async def _look_back(at: AccountAt, symbol: str, seen: _Seen) -> None:
    """Take what was known last instead of what cannot be read, where the policy allows it, and say so."""
    known = await last_known(at, symbol)
    if known is None:
        return
    seen.snapshot, seen.price = _with_market(at, known.snapshot, symbol), known.price
    words = balance_words(known.balance, at.account.quote, at.clock.now())
    allowed = plain(Decimal(str(at.policy.allow_stale_balance_minutes)))
    message = f"judged on the balance {words}; the policy allows {allowed} min"
    seen.errors.append(ErrorReport(code="BALANCE_STALE", message=message))
    await count(at.store, {"fallback_activations": 1}, now=at.clock.now())


async def _slots_of(runtime: Runtime, sibling: Account) -> set[str]:
    """Return the symbols that count at another account of the owner, or may soon: what is being bought counts."""
    async with open_account(runtime, sibling, run_id=_run_id(), mode=Mode.PLAN) as at:
        snapshot = await read_snapshot(at)
        await check_snapshot(at, snapshot)
        marks = await standing_marks(at.store, at.id)
        undecided = await at.ledger.undecided(at.id)
        pending = {order.intent.symbol for order in undecided}
        coming = {o.symbol for o in snapshot.open_orders if o.side == "buy"}
        coming |= {o.intent.symbol for o in undecided if o.intent.side == "buy"}
        return coming | set(slots_taken(snapshot, at.policy, marks=marks, pending=pending))


async def _standing(
    runtime: Runtime, account: Account, errors: list[ErrorReport]
) -> tuple[list[HaltCause], list[Block]]:
    """Return why the account is halted and which limits a person has set aside; both are said in `errors`."""
    halts = await standing_halts(runtime.store, account.id)
    overrides = await standing_overrides(runtime.store, account.id, now=runtime.clock.now())
    errors += [ErrorReport(code="HALTED", message=one.sentence) for one in halts]
    errors += [ErrorReport(code="LIMIT_OVERRIDDEN", message=one.sentence) for one in overrides]
    return [one.cause for one in halts], [one.block for one in overrides]


async def _warn_of_low_balance(runtime: Runtime, account: Account, seen: _Seen) -> None:
    words = low_balance_words(seen.snapshot, runtime.fleet.policies[account.id], account.quote)
    if words is not None:
        seen.errors.append(ErrorReport(code="LOW_BALANCE", message=words))
        await count(runtime.store, {"low_balance_warnings": 1}, now=runtime.clock.now())


def _name_unvalued(seen: _Seen) -> None:
    for position in seen.snapshot.unvalued if seen.snapshot else ():
        words = unvalued_words(position)
        seen.errors.append(ErrorReport(code="PRICE_FETCH_ERROR", symbol=position.symbol, message=words))


def _tell_of_fees(seen: _Seen, symbol: str, notional: Decimal, policy: Policy) -> None:
    """Say that what the venue takes is too much, or that nobody knows what it takes."""
    market = None if seen.snapshot is None else seen.snapshot.markets.get(symbol)
    if market is not None and (words := fee_words(market, notional, policy)) is not None:
        code = "FEE_UNKNOWN" if round_trip_fraction(market) is None else "FEES_TOO_HIGH"
        seen.errors.append(ErrorReport(code=code, symbol=symbol, message=words))


async def _judge_and_reserve(
    runtime: Runtime,
    of_owner: Collection[tuple[str, str]],
    account: Account,
    facts: EntryFacts,
    elsewhere: Elsewhere,
    *,
    reserving: bool,
) -> EntryVerdict:
    verdict, owned = judge_entry(facts), {sibling.id for sibling in runtime.fleet.siblings(account)}

    def judge(live: tuple[Reservation, ...]) -> bool:
        nonlocal verdict
        own = [r for r in live if r.account == account.id]
        verdict = judge_entry(
            dataclasses.replace(
                facts,
                reserved=[r.symbol for r in own],
                reserved_quote=sum((r.notional for r in own), Decimal(0)),
                counted_elsewhere=len({*of_owner, *((r.account, r.symbol) for r in live if r.account in owned)}),
                counted_in_fleet=elsewhere.counted(live),
            ),
        )
        return verdict.is_allowed and reserving

    of_the_past = None if facts.last_balance is None else facts.snapshot
    await reserve(
        runtime.store,
        Reservation(account.id, facts.symbol, facts.amount_quote),
        among=[account.id, *owned],
        seconds=facts.policy.entry_reservation_seconds,
        judge=judge,
        unseen_since=None if of_the_past is None else of_the_past.taken_at,
        elsewhere=elsewhere.read_at,
    )
    return verdict


def _with_market(at: AccountAt, snapshot: Snapshot, symbol: str) -> Snapshot:
    market = at.venue.markets(at.account.quote).get(symbol)
    return snapshot if market is None else dataclasses.replace(snapshot, markets={**snapshot.markets, symbol: market})


def _run_id() -> str:
    return str(uuid.uuid4())
