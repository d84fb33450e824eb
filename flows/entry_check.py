"""Answer whether a new entry is allowed now, with every reason that blocks it. A bot calls it before it trades.

Read-only but for the slot it reserves; it runs without Prefect, because a bot waits for the answer.
"""

import dataclasses
import uuid
from collections.abc import Sequence
from decimal import Decimal

from brokers.ledger import Ledger
from models.amounts import money
from models.errors import ContractBroken, EmptyLooking, EquityMismatched, VenueError
from models.fleet import Account
from models.market import Price
from models.position import Snapshot
from models.reasons import Mode
from models.report import EntryReport, ErrorReport
from models.store.dust import standing_marks
from models.store.halts import standing_halts
from models.store.reservations import Reservation, reserve
from rules.cap import slots_taken
from rules.entry import EntryFacts, EntryVerdict, judge_entry
from tasks.read_account import check_snapshot, read_snapshot
from tasks.runtime import AccountAt, Runtime, open_account


@dataclasses.dataclass
class _Seen:
    """What could be read of the account, and what went wrong."""

    snapshot: Snapshot | None = None
    price: Price | None = None
    counted_elsewhere: int = 0
    is_contract_broken: bool = False
    errors: list[ErrorReport] = dataclasses.field(default_factory=list)


async def check_entry(runtime: Runtime, account: Account, symbol: str, notional: Decimal) -> EntryReport:
    """Read the account at its venue and judge the entry; an allowed one keeps its slot for a moment.

    `notional` in quote units. Raises: ConfigError, StoreError.
    """
    policy = runtime.fleet.policies[account.id]
    siblings = runtime.fleet.siblings(account)
    seen = await _look(runtime, account, siblings, symbol)
    facts = EntryFacts(
        symbol=symbol,
        amount_quote=notional,
        policy=policy,
        snapshot=seen.snapshot,
        price=seen.price,
        now=runtime.clock.now(),
        marks=await standing_marks(runtime.store, account.id),
        undecided=await Ledger(runtime.store).undecided(account.id),
        counted_elsewhere=seen.counted_elsewhere,
        is_halted=bool(await standing_halts(runtime.store, account.id)),
        is_contract_broken=seen.is_contract_broken,
    )
    verdict = await _judge_and_reserve(runtime, account, siblings, facts)
    return EntryReport(
        account=account.id,
        symbol=symbol,
        usd=money(notional),
        allowed=verdict.is_allowed,
        reasons=[block.value for block in verdict.blocks],
        exits_allowed=verdict.exits_allowed,
        errors=seen.errors,
    )


async def _look(runtime: Runtime, account: Account, siblings: Sequence[Account], symbol: str) -> _Seen:
    seen = _Seen()
    try:
        async with open_account(runtime, account, run_id=_run_id(), mode=Mode.PLAN) as at:
            snapshot = await read_snapshot(at)
            seen.snapshot, seen.price = _with_market(at, snapshot, symbol), at.prices.get(symbol)
            await check_snapshot(at, snapshot)
        for sibling in siblings:
            seen.counted_elsewhere += await _slots_of(runtime, sibling)
    except EquityMismatched as error:  # the rule says so itself, from the snapshot
        seen.errors.append(ErrorReport(code=error.code, message=str(error)))
    except ContractBroken as error:
        seen.is_contract_broken = True
        seen.errors.append(ErrorReport(code=error.code, message=str(error)))
    except (VenueError, EmptyLooking) as error:
        seen.snapshot = None  # unread, empty-looking, or its owner's other account is: how many there are is unknown
        seen.errors.append(ErrorReport(code=error.code, message=str(error)))
    return seen


async def _slots_of(runtime: Runtime, sibling: Account) -> int:
    async with open_account(runtime, sibling, run_id=_run_id(), mode=Mode.PLAN) as at:
        snapshot = await read_snapshot(at)
        await check_snapshot(at, snapshot)
        marks = await standing_marks(at.store, at.id)
        pending = {order.intent.symbol for order in await at.ledger.undecided(at.id)}
        return len(slots_taken(snapshot, at.policy, marks=marks, pending=pending))


async def _judge_and_reserve(
    runtime: Runtime, account: Account, siblings: Sequence[Account], facts: EntryFacts
) -> EntryVerdict:
    verdict = judge_entry(facts)

    def judge(live: tuple[Reservation, ...]) -> bool:
        nonlocal verdict
        own = [r for r in live if r.account == account.id]
        elsewhere = [r for r in live if r.account != account.id]
        verdict = judge_entry(
            dataclasses.replace(
                facts,
                reserved=[r.symbol for r in own],
                reserved_quote=sum((r.notional for r in own), Decimal(0)),
                counted_elsewhere=facts.counted_elsewhere + len(elsewhere),
            ),
        )
        return verdict.is_allowed

    await reserve(
        runtime.store,
        Reservation(account.id, facts.symbol, facts.amount_quote),
        among=[account.id, *(s.id for s in siblings)],
        seconds=facts.policy.entry_reservation_seconds,
        judge=judge,
    )
    return verdict


def _with_market(at: AccountAt, snapshot: Snapshot, symbol: str) -> Snapshot:
    market = at.venue.markets(at.account.quote).get(symbol)
    return snapshot if market is None else dataclasses.replace(snapshot, markets={**snapshot.markets, symbol: market})


def _run_id() -> str:
    return str(uuid.uuid4())
