"""Which part of its policy a pipeline enforces."""

from enum import StrEnum


class Scope(StrEnum):
    """What a run may plan: everything, or one part of it."""

    ALL = "all"
    DUST = "dust"
    CAP = "cap"
    EXITS = "exits"
    REBALANCE = "rebalance"
