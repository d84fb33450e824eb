"""Add up the exits of a ledger by reason: how many, what they brought against what was paid, how long it was held.

Pure. What is not known is left out and counted, never guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from models.exits import ExitReason
from models.order import LedgerOrder
from models.reasons import Mode


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """One order of an exit with fills, and what it was decided on."""

    order: LedgerOrder
    entry_price: Decimal | None
    held_since: datetime | None

    @property
    def pnl(self) -> Decimal | None:
        """What it brought beyond what was paid, in quote units, its fee taken off where that is known."""
        if self.entry_price is None or self.order.average_price is None:
            return None
        gain = (self.order.average_price - self.entry_price) * self.order.filled
        return gain - (self.order.fee_quote or Decimal(0))

    @property
    def held(self) -> timedelta | None:
        """How long it was held."""
        end = self.order.updated_at
        return None if self.held_since is None or end is None else end - self.held_since


@dataclass(frozen=True, slots=True)
class ExitSum:
    """The exits of one reason. `pnl` over the `pnl_known` of them; None: known of none. Units: quote; hours."""

    reason: ExitReason
    mode: Mode
    quote: str
    exits: int
    pnl: Decimal | None
    pnl_known: int
    fees_missing: int
    mean_hold_hours: float | None


def exit_sums(records: Iterable[ExitRecord]) -> tuple[ExitSum, ...]:
    """Add up what was filled. An exit that took several orders of one run counts once."""
    groups: dict[tuple[Mode, str, ExitReason], list[list[ExitRecord]]] = {}
    exits: dict[tuple[str, str, str, str], list[ExitRecord]] = {}
    for record in records:
        intent = record.order.intent
        if record.order.filled > 0:
            exits.setdefault((intent.account, intent.run_id, intent.symbol, intent.kind), []).append(record)
    for parts in exits.values():
        intent = parts[0].order.intent
        key = intent.mode, intent.symbol.rpartition("/")[2], ExitReason(intent.kind.value)
        groups.setdefault(key, []).append(parts)
    order = list(ExitReason)
    return tuple(_sum(*key, groups[key]) for key in sorted(groups, key=lambda k: (k[0], k[1], order.index(k[2]))))


def _sum(mode: Mode, quote: str, reason: ExitReason, exits: list[list[ExitRecord]]) -> ExitSum:
    known = [pnl for parts in exits if (pnl := _pnl(parts)) is not None]
    spans = [span for parts in exits if (span := parts[-1].held) is not None]
    hours = sum(spans, timedelta()).total_seconds() / 3600
    return ExitSum(
        reason=reason,
        mode=mode,
        quote=quote,
        exits=len(exits),
        pnl=sum(known, Decimal(0)) if known else None,
        pnl_known=len(known),
        fees_missing=sum(_pnl(parts) is not None and _lacks_a_fee(parts) for parts in exits),
        mean_hold_hours=hours / len(spans) if spans else None,
    )


def _pnl(parts: list[ExitRecord]) -> Decimal | None:
    """Return what one exit brought; None where a part of it is not known."""
    known = [part.pnl for part in parts]
    return None if None in known else sum((pnl for pnl in known if pnl is not None), Decimal(0))


def _lacks_a_fee(parts: list[ExitRecord]) -> bool:
    return any(part.order.fee_quote is None for part in parts)
