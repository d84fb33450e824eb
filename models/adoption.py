"""How a position came to be ours, and how it is known what it cost."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class EntrySource(StrEnum):
    """What an entry price rests on."""

    FILLS = "fills"  # the venue's own fills, which add up to what is held
    BY_HAND = "by_hand"  # a person's word


class PositionSource(StrEnum):
    """Who bought what is held."""

    BROKER_EXISTING = "broker_existing"  # it was there, or somebody else bought it
    NIJA_STRATEGY = "nija_strategy"  # every buy of it is an order of our own ledger


class Adoption(StrEnum):
    """What became of one position of an adoption, by code."""

    ADOPTED = "adopted"
    ADOPTED_BY_HAND = "adopted_by_hand"
    ALREADY_ADOPTED = "already_adopted"
    NO_FILLS = "no_fills"
    FILLS_DO_NOT_ADD_UP = "fills_do_not_add_up"
    HISTORY_TOO_LONG = "history_too_long"
    FILLS_UNREADABLE = "fills_unreadable"
    UNVALUED = "unvalued"
    DUST = "dust"


ENTRY_KNOWN = frozenset({Adoption.ADOPTED, Adoption.ADOPTED_BY_HAND, Adoption.ALREADY_ADOPTED})
LEFT_ASIDE = frozenset({Adoption.UNVALUED, Adoption.DUST})


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of how a position began. Price in quote per base unit; None: not known, and never guessed."""

    price: Decimal | None
    price_source: EntrySource | None
    at: datetime | None
    source: PositionSource
