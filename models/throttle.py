"""How much of one allowance of a venue is used up, as all processes see it."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Level:
    """One allowance. Times are seconds since 1970 by the store's own clock."""

    used: float = 0.0  # at `updated_at`; the venue lets it fall with time
    updated_at: float = 0.0
    grants: tuple[tuple[float, float], ...] = ()  # of a window: until when it counts, and how much; the oldest first
    closed_until: float = 0.0
    closed_for: str = ""


class ThrottleReport(BaseModel):
    """One allowance that is in use, or closed.

    `limit`: the name of the venue's limit, `of` what the venue counts apart (a path), `key` the beginning of a number
    that tells keys apart. `used` and `capacity` are in the venue's own units.
    """

    model_config = ConfigDict(frozen=True)

    venue: str
    address: str
    limit: str
    of: str
    key: str
    used: float
    capacity: float
    closed_until: datetime | None
    closed_for: str


class ThrottlesReport(BaseModel):
    """Every allowance that is in use, or closed."""

    throttles: list[ThrottleReport]
