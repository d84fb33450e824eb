"""Judge whether a new entry is allowed now, with every reason that blocks it. Pure: a halt never stops an exit."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from models.amounts import floor_to_step
from models.balance import BalanceState
from models.dust import DustMark
from models.market import Market, Price
from models.order import LedgerOrder
from models.policy import Policy
from models.position import Snapshot
from models.reasons import Block, HaltCause
from models.risk import RISK_CAUSES, RiskDay
from rules.balance import permits_entry
from rules.cap import slots_taken
from rules.limits import is_balance_too_low
from rules.reconcile import equity_mismatch
from rules.risk import entry_blocks
from rules.sellable import too_small
from rules.valuation import price_problem
from rules.viability import allowed_amount, are_fees_too_high, least_amount


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """All that an entry is judged by. Amounts in quote units; symbols are BASE/QUOTE.

    `snapshot` None: the account could not be read. `price`: of the asked symbol, held or not. `undecided`: the ledger's
    orders of this account that may still fill. `reserved`: symbols of live reservations, not counting this question's
    own; `reserved_quote` the cash they have set aside. `counted_elsewhere`: slots taken by the owner's other accounts.
    `last_balance`: what was read last of an account that cannot be read now; `snapshot` is then of that time, or None.
    `frozen`: symbols of this account that are frozen. `is_unreconciled`: its books contradict its venue.
    `day`: how the account's day has gone, None: not known; `halted_for`: the causes of its halts. `counted_in_fleet`:
    slots taken by the accounts of other owners; `allowed_in_fleet`: the most that all may have taken for an entry to be
    allowed, None: no such limit. `set_aside`: limits that a person has set aside for now.
    """

    symbol: str
    amount_quote: Decimal
    policy: Policy
    snapshot: Snapshot | None
    price: Price | None
    now: datetime
    marks: Mapping[str, DustMark] = field(default_factory=dict)
    undecided: tuple[LedgerOrder, ...] = ()
    reserved: Collection[str] = ()
    reserved_quote: Decimal = Decimal(0)
    counted_elsewhere: int = 0
    is_halted: bool = False
    is_contract_broken: bool = False
    is_breaker_open: bool = False
    last_balance: BalanceState | None = None
    frozen: Collection[str] = ()
    is_unreconciled: bool = False
    day: RiskDay | None = None
    halted_for: Collection[HaltCause] = ()
    counted_in_fleet: int = 0
    allowed_in_fleet: int | None = None
    set_aside: Collection[Block] = ()


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    """Whether the entry is allowed, and why not; what would block it, had no person set it aside, is named apart.

    Exits go on without a fresh balance; they stop for an account that was never read, or cannot be trusted.
    """

    symbol: str
    blocks: tuple[Block, ...] = ()  # empty: allowed
    exits_allowed: bool = True
    overridden: tuple[Block, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether nothing blocks the entry."""
        return not self.blocks


def judge_entry(facts: EntryFacts) -> EntryVerdict:
    """Collect every reason that blocks an entry, not only the first."""
    found = [*_account_blocks(facts), *_symbol_blocks(facts)]
    if facts.snapshot is not None:
        found += [*_snapshot_blocks(facts, facts.snapshot), *_market_blocks(facts, facts.snapshot)]
    found += _risk_blocks(facts)
    blocks = tuple(dict.fromkeys(found))  # a day may have tripped, and trip again
    return EntryVerdict(
        symbol=facts.symbol,
        blocks=tuple(block for block in blocks if block not in facts.set_aside),
        exits_allowed=(facts.snapshot or facts.last_balance) is not None and not facts.is_contract_broken,
        overridden=tuple(block for block in blocks if block in facts.set_aside),
    )


def _account_blocks(facts: EntryFacts) -> Iterator[Block]:
    if facts.is_halted:
        yield Block.HALTED
    if facts.snapshot is None:
        yield Block.POSITIONS_UNREADABLE
    if facts.is_breaker_open:
        yield Block.BREAKER_OPEN
    if facts.last_balance is not None and not permits_entry(facts.last_balance, facts.policy, facts.now):
        yield Block.BALANCE_STALE
    if facts.is_contract_broken:
        yield Block.CONTRACT_BROKEN
    if facts.is_unreconciled:
        yield Block.RECONCILIATION_FAILED
    if facts.undecided:
        yield Block.ORDER_UNDECIDED


def _symbol_blocks(facts: EntryFacts) -> Iterator[Block]:
    if facts.symbol in facts.reserved:
        yield Block.ENTRY_PENDING
    if facts.symbol in facts.frozen:
        yield Block.SYMBOL_FROZEN
    if facts.symbol in facts.policy.restricted_symbols:
        yield Block.SYMBOL_RESTRICTED


def _snapshot_blocks(facts: EntryFacts, snapshot: Snapshot) -> Iterator[Block]:
    if snapshot.unvalued:
        yield Block.UNVALUED_HOLDING
    counted, taken = _slots(facts, snapshot)
    if facts.symbol not in counted:  # what counts already can grow without a new slot
        yield from _slot_blocks(facts, len(taken) + facts.counted_elsewhere)
    if is_balance_too_low(snapshot, facts.policy):
        yield Block.BALANCE_TOO_LOW
    if snapshot.cash_free - facts.reserved_quote < facts.amount_quote:
        yield Block.INSUFFICIENT_CASH
    if facts.policy.check_equity and equity_mismatch(snapshot, facts.policy.equity_tolerance_fraction):
        yield Block.EQUITY_MISMATCH


def _slot_blocks(facts: EntryFacts, taken_by_owner: int) -> Iterator[Block]:
    if taken_by_owner >= facts.policy.max_positions:
        yield Block.CAP_REACHED
    if facts.allowed_in_fleet is not None and taken_by_owner + facts.counted_in_fleet > facts.allowed_in_fleet:
        yield Block.GLOBAL_LIMIT


def _risk_blocks(facts: EntryFacts) -> Iterator[Block]:
    """Yield the limits on what is at stake; without a read, those that need none.

    Cash that open orders hold is at stake already, and so is what was allowed a moment ago.
    """
    yield from (block for cause, block in RISK_CAUSES.items() if cause in facts.halted_for)
    positions = 0 if facts.snapshot is None else len(_slots(facts, facts.snapshot)[1])
    limits = facts.policy.risk_limits
    yield from entry_blocks(
        facts.amount_quote, exposure=_at_stake(facts), positions=positions, day=facts.day, limits=limits
    )


def _at_stake(facts: EntryFacts) -> Decimal:
    snapshot = facts.snapshot
    return facts.reserved_quote + (Decimal(0) if snapshot is None else snapshot.equity - snapshot.cash_free)


def _slots(facts: EntryFacts, snapshot: Snapshot) -> tuple[set[str], set[str]]:
    """Return the symbols that count now, and those that count now or may soon without the one that is asked for."""
    pending = {o.intent.symbol for o in facts.undecided}
    counted = set(slots_taken(snapshot, facts.policy, marks=facts.marks, pending=pending))
    coming = {o.symbol for o in snapshot.open_orders if o.side == "buy"}
    coming |= {o.intent.symbol for o in facts.undecided if o.intent.side == "buy"}
    return counted, (counted | coming | set(facts.reserved)) - {facts.symbol}


def _market_blocks(facts: EntryFacts, snapshot: Snapshot) -> Iterator[Block]:
    market = snapshot.markets.get(facts.symbol)
    if market is None:
        yield Block.SYMBOL_UNKNOWN
    elif not market.active:
        yield Block.MARKET_INACTIVE
    max_price_age = timedelta(seconds=facts.policy.max_price_age_seconds)
    if facts.price is None or price_problem(facts.price, now=facts.now, max_price_age=max_price_age):
        yield Block.NO_PRICE
    elif market is not None:
        if _is_below_minimum(facts.amount_quote, facts.price, market):
            yield Block.BELOW_VENUE_MINIMUM
        if _is_floor_above_ceiling(facts, facts.price, market):
            yield Block.FLOOR_ABOVE_CEILING
    if market is not None and are_fees_too_high(market, facts.policy):
        yield Block.FEES_TOO_HIGH


def _is_below_minimum(amount_quote: Decimal, price: Price, market: Market) -> bool:
    if market.lot_step <= 0 or amount_quote <= 0:
        return True
    quantity = floor_to_step(amount_quote / price.value, market.lot_step)
    return too_small(quantity, price=price.value, market=market) is not None


def _is_floor_above_ceiling(facts: EntryFacts, price: Price, market: Market) -> bool:
    """Whether no amount at all is both large enough for the venue and small enough for our limits.

    A limit that leaves nothing says so itself.
    """
    floor = least_amount(market, price.value)
    ceiling = allowed_amount(facts.policy.risk_limits, _at_stake(facts), facts.set_aside)
    return floor is not None and ceiling is not None and 0 < ceiling < floor
