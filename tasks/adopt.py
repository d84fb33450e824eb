"""Find out what the positions of one account cost, from the venue's own fills. A price of today is never an entry."""

import logging
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from brokers.trade_history import TradeHistory, Trades
from models.adoption import LEFT_ASIDE, Adoption, Entry, EntrySource, PositionSource
from models.adoption_report import AdoptedAccount, AdoptedPosition
from models.amounts import money, plain
from models.dust import DustMark
from models.errors import VenueError
from models.exits import PositionConfig
from models.position import Position, Tracked
from models.store.dust import standing_marks
from models.store.position_configs import position_configs
from models.store.tracked import keep_entries, tracked_positions
from rules.adoption import back_to_nothing, entry_of
from rules.dust import is_dust
from rules.exit_limits import entry_in_force
from tasks.read_account import read_and_check
from tasks.runtime import AccountAt
from tasks.track import track

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of one position now; `entry` None: nothing new."""

    code: Adoption
    entry: Entry | None = None
    detail: str = ""


async def adopt_positions_of(at: AccountAt) -> AdoptedAccount:
    """Track what the venue shows, and give every position the entry that its fills tell.

    One symbol's fault stays its own. Raises: VenueError, ContractBroken, EmptyLooking, BalanceLagging: then nothing was
    changed; StoreError.
    """
    await read_and_check(at)
    kept = await track(at)
    own, marks = await position_configs(at.store, at.id), await standing_marks(at.store, at.id)
    history = at.client.trade_history()
    found: dict[str, _Found] = {}
    for position in at.snapshot.positions:
        tracked = kept.after[position.symbol]
        found[position.symbol] = await _adopt(
            at, history, position, tracked, own=own.get(position.symbol), mark=marks.get(position.symbol)
        )
        if (entry := found[position.symbol].entry) is not None:
            await keep_entries(at.store, at.id, {position.symbol: entry})  # a long history may be interrupted
    now = await tracked_positions(at.store, at.id)
    return AdoptedAccount(
        account=at.id,
        status="ok",
        positions=[
            _told(p, now.get(p.symbol, kept.after[p.symbol]), found[p.symbol], own.get(p.symbol))
            for p in at.snapshot.positions
        ],
        gone=list(kept.gone),
    )


async def _adopt(
    at: AccountAt,
    history: TradeHistory,
    position: Position,
    tracked: Tracked,
    *,
    own: PositionConfig | None,
    mark: DustMark | None,
) -> _Found:
    if tracked.entry_price is not None and tracked.entry_source is not None:
        return _Found(Adoption.ALREADY_ADOPTED)
    if position.value is None:
        return _Found(Adoption.UNVALUED, detail=str(position.no_price or ""))
    if is_dust(position.value, at.policy, mark):
        return _Found(Adoption.DUST, detail=f"worth {money(position.value)}")
    quantity, base, quote = position.holding.total, position.holding.asset, at.account.quote
    try:
        trades = await history.of(
            position.symbol, is_enough=lambda newest: back_to_nothing(newest, quantity, base=base) is not None
        )
    except VenueError as error:
        log.warning("fills are not known", extra={"account": at.id, "symbol": position.symbol, "code": error.code})
        return _unknown(Adoption.FILLS_UNREADABLE, f"{error.code}: {error}", tracked, own)
    ours = await at.ledger.venue_order_ids(at.id, position.symbol)
    wanted = back_to_nothing(trades.newest_first, quantity, base=base)
    entry = entry_of(wanted, quantity, base=base, quote=quote, ours=ours)
    if entry is None:
        return _unknown(*_why(at, trades), tracked, own)
    return _Found(Adoption.ADOPTED, entry)


def _why(at: AccountAt, trades: Trades) -> tuple[Adoption, str]:
    kept = at.client.trades_kept
    reach = "" if kept is None else f"; the venue lists the last {kept.days} days"
    if trades.is_cut:
        return (
            Adoption.HISTORY_TOO_LONG,
            f"{len(trades.newest_first)} fills of it were read, and there are older ones{reach}",
        )
    if not trades.newest_first:
        return Adoption.NO_FILLS, f"the venue lists no fill of it{reach}"
    count = len(trades.newest_first)
    return (
        Adoption.FILLS_DO_NOT_ADD_UP,
        f"what the venue lists of it (fills: {count}) does not add up to what is held{reach}",
    )


def _unknown(code: Adoption, detail: str, tracked: Tracked, own: PositionConfig | None) -> _Found:
    """Take a person's word where the fills tell nothing; it stays where it was told, and may be changed there."""
    if tracked.entry_price is None and entry_in_force(tracked, own) is not None:
        told = Entry(None, EntrySource.BY_HAND, None, PositionSource.BROKER_EXISTING)
        return _Found(Adoption.ADOPTED_BY_HAND, told, detail)
    if tracked.entry_price is not None:
        detail += "; the entry price is of a time when less was held"
    return _Found(code, Entry(None, None, None, tracked.source or PositionSource.BROKER_EXISTING), detail)


def _told(position: Position, tracked: Tracked, found: _Found, own: PositionConfig | None) -> AdoptedPosition:
    price = entry_in_force(tracked, own)
    known = found.code in {Adoption.ADOPTED, Adoption.ADOPTED_BY_HAND, Adoption.ALREADY_ADOPTED}
    aside = found.code in LEFT_ASIDE
    return AdoptedPosition(
        symbol=position.symbol,
        quantity=plain(position.holding.total),
        size_usd=None if position.value is None else money(position.value),
        entry_price=None if price is None else plain(price),
        entry_source=tracked.entry_source or "unknown",
        entry_time=tracked.entry_at,
        first_seen_at=tracked.first_seen_at,
        source=tracked.source,
        adoption_status="adopted" if known else "left_aside" if aside else "entry_unknown",
        code=found.code,
        detail=found.detail,
    )


@task(name="adopt", task_run_name="adopt {at.id}", cache_policy=NO_CACHE, retries=0)  # retried call by call
async def adopt_account(at: AccountAt) -> AdoptedAccount:
    """Track what the venue shows of one account, and give every position the entry that its fills tell."""
    return await adopt_positions_of(at)
