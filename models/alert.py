"""What a person must know about the fleet, whoever finds it out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

FLEET = "*"


class Severity(StrEnum):
    """How much it matters: a critical alert is never held back."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class OperationalAlert:
    """One matter. The same code, account and symbol while it stands is the same matter.

    `symbol`: what of the account it is about; of a pipeline that is watched, its name.
    """

    code: str
    message: str
    severity: Severity = Severity.WARNING
    account: str = FLEET
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class StandingAlert:
    """A matter that was raised: since when, how often, and who has taken note of it."""

    alert: OperationalAlert
    alert_id: int
    raised_at: datetime
    last_at: datetime
    times: int
    acknowledged_by: str | None
    closed_at: datetime | None
