"""Hypothesis strategies for whole accounts: what venues show, odd but possible."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from models.dust import DustMark
from models.market import Market
from models.policy import Policy
from models.position import Holding, OpenOrder, Position, Snapshot
from models.reasons import NoPrice, Reason
from tests.builders import NOW, a_market, a_policy, a_price, a_snapshot

ASSETS = tuple("ABCDEFGHIJKL")


def amounts(lowest: str = "0", highest: str = "1000", places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(lowest, highest, places=places, allow_nan=False, allow_infinity=False)


@st.composite
def holdings(draw: st.DrawFn, asset: str) -> Holding:
    """Return a holding of a few units: free for the most part, else held or locked in part or in whole."""
    nothing = Decimal(0)
    quantity = draw(amounts("0.5", "50"))
    if draw(st.integers(0, 2)):
        return Holding(asset, quantity)
    free, held, locked = draw(st.tuples(*[st.sampled_from([nothing, quantity, quantity / 8])] * 3))
    return Holding(asset, free, held, locked) if free or held or locked else Holding(asset, nothing, quantity)


@st.composite
def positions(draw: st.DrawFn, asset: str) -> Position:
    """Return a position from a cent to thousands, about the thresholds mostly; one in ten unvalued, some equal."""
    symbol, kind = f"{asset}/USD", draw(st.integers(0, 9))
    if kind == 0:
        return Position(symbol, draw(holdings(asset)), no_price=draw(st.sampled_from(NoPrice)))
    if kind == 1:
        return Position(symbol, Holding(asset, Decimal(draw(st.sampled_from([5, 20])))), price=a_price(1))
    holding = draw(holdings(asset))
    worth = draw(st.one_of(amounts("0.01", "1.50"), amounts("1", "12"), amounts("5", "40"), amounts("10", "3000")))
    return Position(symbol, holding, price=a_price(worth / holding.total))


@st.composite
def markets(draw: st.DrawFn, symbol: str) -> Market:
    """Return a market: half of them take nearly any order, the others are coarse, have minimums or are closed."""
    if draw(st.booleans()):
        return a_market(symbol)
    return a_market(
        symbol,
        active=draw(st.integers(0, 5)) > 0,
        lot_step=draw(st.sampled_from(["0.0001", "0.01", "1", "3"])),
        minimum_quantity=draw(st.none() | amounts("0.0001", "3")),
        minimum_notional=draw(st.sampled_from([None, Decimal(1), Decimal(5), Decimal(10)])),
    )


@st.composite
def snapshots(draw: st.DrawFn, account: str = "platform", most: int = 12) -> Snapshot:
    """Return an account with anything from nothing to `most` holdings; at times the venue lists no market for one."""
    assets = ASSETS[: draw(st.integers(0, most))]
    held = [draw(positions(asset)) for asset in assets]
    orders = [
        OpenOrder(
            order_id=f"V{n}",
            client_order_id=None,
            symbol=p.symbol,
            side=draw(st.sampled_from(["buy", "sell"])),
            quantity=draw(st.sampled_from([p.holding.held, p.holding.held / 2])),
        )
        for n, p in enumerate(held)
        if p.holding.held and draw(st.booleans())
    ]
    snapshot = a_snapshot(*held, account=account, markets=[draw(markets(p.symbol)) for p in held], open_orders=orders)
    unlisted = draw(st.sampled_from([None] * 30 + [*assets]))
    return replace(snapshot, markets={s: m for s, m in snapshot.markets.items() if m.base != unlisted})


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    return a_policy(
        max_positions=draw(st.integers(1, 6)),
        cancel_open_orders=draw(st.booleans()),
        close_consolidation_candidates=draw(st.booleans()),
        dust_cleanup_dry_run=draw(st.integers(0, 4)) == 0,
    )


@st.composite
def marks(draw: st.DrawFn, snapshot: Snapshot) -> dict[str, DustMark]:
    """Return marks on some of a snapshot's positions, some of them backed off, some put there by hand."""
    marked = (
        draw(st.lists(st.sampled_from([p.symbol for p in snapshot.positions]), unique=True, max_size=4))
        if (snapshot.positions)
        else []
    )
    return {
        symbol: DustMark(
            symbol=symbol,
            reason=draw(st.sampled_from([Reason.BELOW_MINIMUM_NOTIONAL, Reason.BLACKLISTED])),
            value=draw(amounts("0.01", "5")),
            marked_at=NOW - timedelta(days=2),
            retry_at=draw(st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)])),
        )
        for symbol in marked
    }


@st.composite
def plan_inputs(
    draw: st.DrawFn,
) -> tuple[Snapshot, Policy, dict[str, DustMark], frozenset[str]]:
    """Return a snapshot, a policy, marks and pending symbols that belong together."""
    snapshot = draw(snapshots())
    pending = frozenset(p.symbol for p in snapshot.positions if draw(st.integers(0, 19)) == 0)
    return snapshot, draw(policies()), draw(marks(snapshot)), pending
