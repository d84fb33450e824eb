"""A symbol whose price failed, or that a person set aside: how often, why, since when, and what clears it."""

from dataclasses import dataclass
from datetime import datetime

from models.reasons import FreezeCause, FreezeState

WORDS = {
    FreezeCause.NO_MARKET: "the venue has no market for it in the account's quote currency",
    FreezeCause.NO_TICKER: "the venue gives no price for it",
    FreezeCause.NOT_POSITIVE: "the venue's price is not positive",
    FreezeCause.NOT_FINITE: "the venue's price is no number",
    FreezeCause.STALE: "the venue's price is too old",
    FreezeCause.BY_HAND: "set aside by hand",
}


@dataclass(frozen=True, slots=True)
class Freeze:
    """One symbol of one account.

    `failures`: reads in a row without a usable price; none for what only a person set aside. `since`: of the first of
    them, or of the freeze. `thaws_at`: from then on one good price ends the freeze; None: it does not end by itself.
    """

    account: str
    symbol: str
    state: FreezeState
    cause: FreezeCause
    failures: int
    since: datetime
    thaws_at: datetime | None = None

    @property
    def is_frozen(self) -> bool:
        """Whether it stops entries. It never stops an exit."""
        return self.state is not FreezeState.COUNTING

    @property
    def why(self) -> str:
        """The cause in words."""
        return WORDS[self.cause]

    @property
    def sentence(self) -> str:
        """The whole of it, as a report says it."""
        return f"frozen since {self.since:%Y-%m-%d %H:%M} UTC: {self.why}; no entries until {self.clears_when}"

    @property
    def clears_when(self) -> str:
        """What ends it, in words."""
        if self.state is FreezeState.REVIEW:
            return "a person unfreezes it: nija frozen unfreeze"
        if self.thaws_at is None:
            return "a live run reads a good price"
        return f"a live run after {self.thaws_at:%Y-%m-%d %H:%M} UTC reads a good price"
