"""What `nija frozen`, `nija blacklist` and `nija decisions` say. Fields are kept and grow only by addition."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.reasons import FreezeCause, FreezeState, Reason


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class FrozenSymbol(_Part):
    """One symbol whose price failed, or that a person set aside.

    `failures`: reads in a row without a usable price. `thaws_at`: from then on one good price ends the freeze; None: no
    price does. `clears_when` is None while nothing is stopped.
    """

    account: str
    symbol: str
    state: FreezeState
    cause: FreezeCause
    why: str
    failures: int
    since: datetime
    thaws_at: datetime | None
    clears_when: str | None


class FrozenList(_Part):
    """What waits for a person first, then what thaws by itself, then what is only counted."""

    frozen: list[FrozenSymbol]


class BlacklistedSymbol(_Part):
    """One mark. `value_usd`: when it was marked, in the account's quote currency; None: no read had valued it."""

    account: str
    symbol: str
    reason: Reason
    by_hand: bool
    value_usd: str | None
    marked_at: datetime
    retry_at: datetime | None  # the venue refused its sale, and it rests until then


class Blacklist(_Part):
    """Every mark that stands."""

    blacklist: list[BlacklistedSymbol]


class DecisionMade(_Part):
    """One decision; `by` is a person, or the condition that held."""

    account: str
    decision: str
    by: str
    reason: str
    at: datetime


class DecisionList(_Part):
    """Decisions, newest first."""

    decisions: list[DecisionMade]
