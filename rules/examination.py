"""Judge what an examination of an account found: its clock, its key's rights, its prices. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from models.amounts import money
from models.market import Market, Price
from models.position import Holding, OpenOrder, Position, Snapshot
from models.reasons import Verdict
from rules.advice import next_step
from rules.reconcile import equity_mismatch
from rules.valuation import price_problem

CLOCK_FINE = timedelta(seconds=1)
CLOCK_USABLE = timedelta(seconds=5)  # venues allow 5 s as a rule; Binance's receive window has that default
KEY_EXPIRES_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in words; `code` where something should be done, and what."""

    verdict: Verdict
    found: str
    code: str | None = None
    next_step: str = ""


def fine(found: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(Verdict.OK, found)


def skipped(why: str) -> Finding:
    """Return what stands for a check that could not be made."""
    return Finding(Verdict.SKIPPED, why)


def warned(code: str, found: str) -> Finding:
    """Return a finding that an operator should know."""
    return Finding(Verdict.WARN, found, code, next_step(code))


def failed(code: str, found: str) -> Finding:
    """Return a finding that keeps the account from working."""
    return Finding(Verdict.FAIL, found, code, next_step(code))


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what an account is called whose checks came out like this."""
    order = (Verdict.FAIL, Verdict.WARN, Verdict.OK)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.SKIPPED)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """How far the venue's clock is ahead of ours; the truth lies within `uncertainty` of `offset`."""

    offset: timedelta
    uncertainty: timedelta


def read_clock(told: datetime, *, asked_at: datetime, took: timedelta) -> ClockReading:
    """Compare the hour a venue told with ours in the middle of the request.

    A venue that tells whole seconds has cut off half a second on average, and is as much less certain.
    """
    cut = timedelta(seconds=0.5) if told.microsecond == 0 else timedelta(0)
    return ClockReading(told + cut - (asked_at + took / 2), took / 2 + cut)


def judge_clock(reading: ClockReading, *, checks_clock: bool) -> Finding:
    """Judge the part of the offset that is certain. `checks_clock`: the venue refuses requests for it."""
    ahead = "ahead of" if reading.offset > timedelta(0) else "behind"
    seconds, give = abs(reading.offset).total_seconds(), reading.uncertainty.total_seconds()
    words = f"the venue's clock is {seconds:.2f} s {ahead} this machine's (± {give:.2f} s)"
    certain = abs(reading.offset) - reading.uncertainty
    if certain < CLOCK_FINE:
        return fine(words)
    if certain < CLOCK_USABLE or not checks_clock:
        return warned("CLOCK_OFF", words)
    return failed("CLOCK_OFF", words)


def judge_permissions(
    *, trade: bool | None, withdraw: bool | None, expires_in: timedelta | None, allow_withdrawal: bool, detail: str = ""
) -> tuple[Finding, ...]:
    """Judge what a key may do; None: the venue does not say. A key that cannot move funds out is the one to use.

    `detail`: the venue's own names for what it may do, or for what stands against it.
    """
    named = f" ({detail})" if detail else ""
    found = []
    if withdraw:
        given = failed("KEY_MAY_WITHDRAW", "the key may withdraw")
        allowed = Finding(Verdict.WARN, "the key may withdraw, and the fleet file allows it", "KEY_MAY_WITHDRAW")
        found.append(allowed if allow_withdrawal else given)
    if trade is False:
        found.append(failed("KEY_MAY_NOT_TRADE", f"the key may not trade{named}"))
    unknown = [word for word, said in (("trade", trade), ("withdraw", withdraw)) if said is None]
    if unknown:
        words = f"the venue does not say whether the key may {' or '.join(unknown)}: it cannot be checked"
        found.append(warned("PERMISSIONS_NOT_REPORTED", words))
    if expires_in is not None and expires_in < KEY_EXPIRES_SOON:
        found.append(warned("KEY_EXPIRES", f"the key expires in {max(expires_in.days, 0)} days"))
    return tuple(found) or (fine(f"may trade, may not withdraw{named}"),)


def judge_markets(counts: Mapping[str, int], quote: str) -> Finding:
    """Judge how many spot markets there are, by quote currency."""
    total = sum(counts.values())
    if counts.get(quote):
        return fine(f"{total} spot markets, {counts[quote]} in {quote}")
    largest = sorted(counts, key=lambda name: -counts[name])[:4]
    others = ", ".join(f"{name} ({counts[name]})" for name in largest)
    return failed("NO_MARKET_IN_QUOTE", f"{total} spot markets, none in {quote}; the largest are in {others}")


def judge_prices(
    prices: Mapping[str, Price],
    positions: Sequence[Position],
    markets: Mapping[str, Market],
    *,
    now: datetime,
    max_price_age: timedelta,
) -> Finding:
    """Judge the prices of what is held; of any market of the quote currency where nothing is."""
    if positions:
        unpriced = [p.symbol for p in positions if p.price is None]
        shown = next((f"{p.symbol} at {money(p.price.value)}" for p in positions if p.price is not None), "none")
        if unpriced:
            words = f"no usable price of {', '.join(unpriced)}, of {len(positions)} held; {shown}"
            return warned("PRICE_FETCH_ERROR", words)
        return fine(f"{shown}; every holding has a price ({len(positions)})")
    problem = None
    for symbol in sorted(s for s, market in markets.items() if market.active):
        price = prices.get(symbol)
        problem = price_problem(price, now=now, max_price_age=max_price_age)
        if price is not None and problem is None:
            return fine(f"{symbol} at {money(price.value)}")
    why = f" (the last one: {problem})" if problem else ""
    return failed("NO_PRICE", f"no market of the account's currency has a usable price{why}")


def judge_balance(holdings: Sequence[Holding], quote: str) -> Finding:
    """Judge what is held. Nothing at all is more often the wrong account than an empty one."""
    if not holdings:
        return warned("BALANCE_EMPTY", "nothing is held, not even cash")
    cash = next((h for h in holdings if h.asset == quote), Holding(quote, Decimal(0)))
    held = sum(h.asset != quote for h in holdings)
    return fine(f"{held} assets beside {money(cash.total)} {quote} in cash ({money(cash.free)} free)")


def judge_orders(orders: Sequence[OpenOrder]) -> Finding:
    """Count what rests at the venue, whoever placed it."""
    sells = sum(order.side == "sell" for order in orders)
    return fine(f"{len(orders)} rest at the venue, {sells} of them sell" if orders else "none")


def judge_equity(snapshot: Snapshot, *, reports: bool, tolerance_fraction: Decimal) -> Finding:
    """Judge the sum of values against what the venue says the account is worth; `reports`: it can say so."""
    if snapshot.reported_equity is None:
        words = "the venue did not say in a readable way what the account is worth"
        return warned("EQUITY_UNREADABLE", words) if reports else skipped("the venue does not say")
    sums = f"computed {money(snapshot.equity)}, reported {money(snapshot.reported_equity)}"
    if equity_mismatch(snapshot, tolerance_fraction) is not None:
        return failed("EQUITY_MISMATCH", sums)
    return fine(sums)
