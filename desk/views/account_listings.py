"""What one account has, as lists: positions, orders, a plan's actions, what stops a symbol."""

from datetime import timedelta
from decimal import Decimal

from desk.listing import Column, Kind, Listing, Tone
from desk.views.accounts import AccountPosition
from models.decision_report import BlacklistedSymbol, FrozenSymbol
from models.exit_report import LimitReport
from models.order_report import OrderReport
from models.reasons import FreezeState, OrderState, Outcome
from models.report import ActionReport, SkipReport
from rules.balance import span_words

_STATES = {
    OrderState.FILLED: Tone.GOOD,
    OrderState.PARTIALLY_FILLED: Tone.WARN,
    OrderState.REJECTED: Tone.BAD,
    OrderState.UNKNOWN: Tone.BAD,
}
OUTCOMES = {
    Outcome.FILLED: Tone.GOOD,
    Outcome.PARTIAL: Tone.WARN,
    Outcome.REJECTED: Tone.BAD,
    Outcome.UNKNOWN: Tone.BAD,
    Outcome.PLANNED: Tone.INFO,
}
_SHORT_ID = 12


def _sign_tone(amount: str | None) -> Tone:
    if amount is None or Decimal(amount) == 0:
        return Tone.PLAIN
    return Tone.GOOD if Decimal(amount) > 0 else Tone.BAD


def _percent(fraction: str | None) -> str:
    return "" if fraction is None else f"{Decimal(fraction) * 100:+.2f} %"


def _limit(limit: LimitReport, *, unit: str = "%") -> str:
    """Say a limit as the page shows it; what a person has set carries a mark."""
    if limit.value is None:
        return f"never{'*' if limit.own else ''}"
    number = Decimal(limit.value) * 100 if unit == "%" else Decimal(limit.value)
    return f"{number.normalize():f}{' ' if unit == '%' else ''}{unit}{'*' if limit.own else ''}"


def exits_words(held: AccountPosition) -> str:
    """Say when a position is left: stop, take profit, trailing stop, longest hold. An asterisk: set by a person."""
    limits = (held.stop_loss, held.take_profit, held.trailing_stop)
    return " · ".join([*map(_limit, limits), _limit(held.max_hold_hours, unit="h")])


def state_of(held: AccountPosition) -> str:
    """Say what a position is to the policy."""
    if held.due is not None:
        return f"due: {held.due.value.replace('_', ' ')}"
    if held.value_quote is None:
        return "unvalued"
    if held.blacklisted:
        return "blacklisted"
    return "counts" if held.takes_slot else "dust"


def _state_tone(held: AccountPosition) -> Tone:
    word = state_of(held)
    return Tone.BAD if word.startswith("due") else {"unvalued": Tone.WARN, "counts": Tone.GOOD}.get(word, Tone.PLAIN)


POSITIONS: Listing[AccountPosition] = Listing(
    "positions",
    (
        Column("symbol", "Symbol", lambda p: p.symbol),
        Column("state", "State", state_of, Kind.STATE, tone=_state_tone),
        Column("value", "Value", lambda p: p.value_quote, Kind.NUMBER),
        Column("quantity", "Quantity", lambda p: p.quantity, Kind.NUMBER),
        Column("price", "Price", lambda p: p.price, Kind.NUMBER),
        Column("entry", "Entry", lambda p: p.entry_price, Kind.NUMBER),
        Column("pnl", "P&L", lambda p: p.pnl_quote, Kind.NUMBER, tone=lambda p: _sign_tone(p.pnl_quote)),
        Column(
            "gain",
            "Gain",
            lambda p: p.gain_fraction,
            Kind.NUMBER,
            tone=lambda p: _sign_tone(p.gain_fraction),
            shown=lambda p: _percent(p.gain_fraction),
        ),
        Column(
            "age",
            "Held for",
            lambda p: p.age_seconds,
            Kind.NUMBER,
            shown=lambda p: "" if p.age_seconds is None else span_words(timedelta(seconds=p.age_seconds)),
        ),
        Column("exits", "Stop · profit · trailing · hold", exits_words),
    ),
    key=lambda p: p.symbol,
)

ORDERS: Listing[OrderReport] = Listing(
    "orders",
    (
        Column("at", "Written (UTC)", lambda o: o.created_at, Kind.TIME),
        Column("symbol", "Symbol", lambda o: o.symbol),
        Column("side", "Side", lambda o: o.side),
        Column("kind", "Why", lambda o: o.kind.value.replace("_", " ")),
        Column("quantity", "Quantity", lambda o: o.quantity, Kind.NUMBER),
        Column("filled", "Filled", lambda o: o.filled, Kind.NUMBER),
        Column("price", "At", lambda o: o.average_price, Kind.NUMBER),
        Column("slippage", "Slippage, bps", lambda o: o.slippage_bps, Kind.NUMBER),
        Column("state", "State", lambda o: o.state.value, Kind.STATE, tone=lambda o: _STATES.get(o.state, Tone.PLAIN)),
        Column("mode", "Money", lambda o: o.mode.value),
        Column(
            "id",
            "Order",
            lambda o: o.client_order_id,
            shown=lambda o: o.client_order_id[:_SHORT_ID],
            link=lambda o: f"/trade_journal?order={o.client_order_id}",
        ),
        Column("detail", "What is known", lambda o: o.detail, Kind.LONG),
    ),
    key=lambda o: o.client_order_id,
)

ACTIONS: Listing[ActionReport] = Listing(
    "plan",
    (
        Column("kind", "Action", lambda a: a.kind.value.replace("_", " ")),
        Column("symbol", "Symbol", lambda a: a.symbol),
        Column("quantity", "Quantity", lambda a: a.quantity, Kind.NUMBER),
        Column("value", "Value", lambda a: a.value_usd, Kind.NUMBER),
        Column(
            "outcome",
            "Outcome",
            lambda a: a.outcome.value,
            Kind.STATE,
            tone=lambda a: OUTCOMES.get(a.outcome, Tone.PLAIN),
        ),
        Column("filled", "Filled", lambda a: a.filled, Kind.NUMBER),
        Column("price", "At", lambda a: a.average_price, Kind.NUMBER),
        Column("reason", "Why", lambda a: a.reason.replace("_", " ")),
        Column("detail", "Figures", lambda a: a.detail, Kind.LONG),
    ),
    key=lambda a: f"{a.cycle} {a.kind.value} {a.symbol}",
)
# Before anything was sent there is no fill to tell of.
PLANNED: Listing[ActionReport] = Listing(
    "plan", tuple(c for c in ACTIONS.columns if c.name not in {"outcome", "filled", "price"}), ACTIONS.key
)

SKIPS: Listing[SkipReport] = Listing(
    "skipped",
    (
        Column("symbol", "Symbol", lambda s: s.symbol),
        Column("reason", "Why it is left alone", lambda s: s.reason.replace("_", " ")),
        Column("detail", "Figures", lambda s: s.detail, Kind.LONG),
    ),
    key=lambda s: f"{s.symbol} {s.reason}",
)

FROZEN: Listing[FrozenSymbol] = Listing(
    "frozen",
    (
        Column("symbol", "Symbol", lambda f: f.symbol),
        Column(
            "state",
            "State",
            lambda f: f.state.value,
            Kind.STATE,
            tone=lambda f: Tone.PLAIN if f.state is FreezeState.COUNTING else Tone.WARN,
        ),
        Column("why", "Why", lambda f: f.why, Kind.LONG),
        Column("failures", "Failures", lambda f: f.failures, Kind.NUMBER),
        Column("since", "Since (UTC)", lambda f: f.since, Kind.TIME),
        Column("until", "Ends when", lambda f: f.clears_when, Kind.LONG),
    ),
    key=lambda f: f.symbol,
)

BLACKLIST: Listing[BlacklistedSymbol] = Listing(
    "blacklist",
    (
        Column("symbol", "Symbol", lambda b: b.symbol),
        Column("why", "Why", lambda b: "by hand" if b.by_hand else b.reason.value.replace("_", " ")),
        Column("value", "Value then", lambda b: b.value_usd, Kind.NUMBER),
        Column("since", "Since (UTC)", lambda b: b.marked_at, Kind.TIME),
        Column("retry", "Tried again (UTC)", lambda b: b.retry_at, Kind.TIME),
    ),
    key=lambda b: b.symbol,
)
