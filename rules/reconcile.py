"""Compare what we compute an account to be worth with what its venue reports. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from models.position import Snapshot


@dataclass(frozen=True, slots=True)
class EquityMismatch:
    """The two figures in quote units, and the difference (computed less reported) the tolerance does not cover."""

    reported: Decimal
    computed: Decimal
    difference: Decimal
    tolerance_fraction: Decimal


def equity_mismatch(snapshot: Snapshot, tolerance_fraction: Decimal) -> EquityMismatch | None:
    """Return the figures when computed and reported equity are further apart than the tolerance allows.

    None when the venue reports no equity. With unvalued holdings our sum is too low by an unknown amount, so only a sum
    above the reported equity is a mismatch then.
    """
    if snapshot.reported_equity is None:
        return None
    difference = snapshot.equity - snapshot.reported_equity
    allowed = abs(snapshot.reported_equity) * tolerance_fraction
    if abs(difference) <= allowed or (snapshot.unvalued and difference < 0):
        return None
    return EquityMismatch(
        reported=snapshot.reported_equity,
        computed=snapshot.equity,
        difference=difference,
        tolerance_fraction=tolerance_fraction,
    )
