"""Judge every price that a live run read of an account: which symbols freeze, which thaw."""

from collections.abc import Mapping
from functools import partial

from models.freeze import Freeze
from models.reasons import Mode, NoPrice
from models.store import freezes
from rules.freeze import judge_prices
from rules.valuation import price_problem
from tasks.runtime import AccountAt


async def judge_freezes(at: AccountAt) -> None:
    """Count what failed of `at.snapshot`, and let what is frozen be probed by the prices that were read with it.

    A dry run counts nothing: it may be repeated at will. Nor does a read without one usable price: the venue's fault is
    no symbol's. Raises: StoreError.
    """
    if at.mode is Mode.PLAN or all(_price_problem(at, symbol) for symbol in at.prices):
        return
    await freezes.judge_freezes(
        at.store,
        at.id,
        partial(_judged, at),
        mode=at.mode,
        policy_version=at.policy.version,
        now=at.snapshot.taken_at,
    )


def _judged(at: AccountAt, known: Mapping[str, Freeze]) -> dict[str, Freeze | None]:
    held = {p.symbol: p.no_price for p in at.snapshot.positions}
    return judge_prices(
        known,
        account=at.id,
        held=held,
        others={symbol: _problem(at, symbol) for symbol in known if symbol not in held},
        policy=at.policy,
        now=at.snapshot.taken_at,
    )


def _problem(at: AccountAt, symbol: str) -> NoPrice | None:
    """Say what the price of a symbol lacks that the account need not hold."""
    if symbol not in at.venue.markets(symbol.rpartition("/")[2]):
        return NoPrice.NO_MARKET
    return _price_problem(at, symbol)


def _price_problem(at: AccountAt, symbol: str) -> NoPrice | None:
    return price_problem(at.prices.get(symbol), now=at.snapshot.taken_at, max_price_age=at.max_price_age)
