"""Hypothesis strategies for whole accounts: what venues show, odd but possible."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from models.dust import DustMark
from models.market import Market
from models.policy import Policy
from models.position import Holding, OpenOrder, Position, Snapshot
from models.reasons import NoPrice, Reason
from tests.builders import NOW, a_market, a_policy, a_price, a_snapshot

ASSETS = tuple("ABCDEFGHIJKLMNOPQRST")


def amounts(lowest: str = "0", highest: str = "1000", places: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(lowest, highest, places=places, allow_nan=False, allow_infinity=False)


@st.composite
def holdings(draw: st.DrawFn, asset: str) -> Holding:
    free, held, locked = draw(
        st.one_of(
            st.tuples(amounts("0.0001"), st.just(Decimal(0)), st.just(Decimal(0))),
            st.tuples(amounts(), amounts(), amounts("0.0001")),
            st.tuples(st.just(Decimal(0)), amounts("0.0001"), st.just(Decimal(0))),
        ),
    )
    return Holding(asset, free, held, locked)


@st.composite
def positions(draw: st.DrawFn, asset: str) -> Position:
    """Return a position anywhere between a cent and thousands, a tenth of them unvalued."""
    symbol, holding = f"{asset}/USD", draw(holdings(asset))
    if draw(st.integers(0, 9)) == 0:
        return Position(symbol, holding, no_price=draw(st.sampled_from(NoPrice)))
    worth = draw(st.one_of(amounts("0.01", "1.50"), amounts("1", "12"), amounts("10", "3000")))
    return Position(symbol, holding, price=a_price(worth / holding.total))


@st.composite
def markets(draw: st.DrawFn, symbol: str) -> Market:
    return a_market(
        symbol,
        active=draw(st.integers(0, 9)) > 0,
        lot_step=draw(st.sampled_from(["0.00000001", "0.0001", "0.01", "1", "10"])),
        minimum_quantity=draw(st.none() | amounts("0.0001", "5")),
        minimum_notional=draw(st.none() | st.sampled_from([Decimal(1), Decimal(5), Decimal(10)])),
    )


@st.composite
def snapshots(draw: st.DrawFn, account: str = "platform", most: int = 14) -> Snapshot:
    assets = draw(st.lists(st.sampled_from(ASSETS), unique=True, max_size=most))
    held = [draw(positions(asset)) for asset in assets]
    orders = [
        OpenOrder(f"V{n}", None, p.symbol, draw(st.sampled_from(["buy", "sell"])), draw(amounts("0.0001", "1000")))
        for n, p in enumerate(held)
        if p.holding.held and draw(st.booleans())
    ]
    known = [draw(markets(p.symbol)) for p in held]
    snapshot = a_snapshot(*held, account=account, markets=known, open_orders=orders)
    if held and draw(st.integers(0, 4)) == 0:  # one market the venue does not list
        without = {symbol: m for symbol, m in snapshot.markets.items() if symbol != held[0].symbol}
        return Snapshot(account, NOW, snapshot.cash_free, snapshot.cash_total, tuple(held), without, tuple(orders))
    return snapshot


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    return a_policy(
        max_positions=draw(st.integers(1, 9)),
        cancel_open_orders=draw(st.booleans()),
        close_consolidation_candidates=draw(st.booleans()),
        dust_cleanup_dry_run=draw(st.integers(0, 4)) == 0,
    )


@st.composite
def marks(draw: st.DrawFn, snapshot: Snapshot) -> dict[str, DustMark]:
    """Return marks on some of a snapshot's positions, some of them backed off."""
    marked = (
        draw(st.lists(st.sampled_from([p.symbol for p in snapshot.positions]), unique=True, max_size=4))
        if (snapshot.positions)
        else []
    )
    return {
        symbol: DustMark(
            symbol=symbol,
            reason=Reason.BELOW_MINIMUM_NOTIONAL,
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
    pending = frozenset(p.symbol for p in snapshot.positions if draw(st.integers(0, 9)) == 0)
    return snapshot, draw(policies()), draw(marks(snapshot)), pending
