"""What `nija risk` says. Fields are kept and grow only by addition."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class OverrideReport(BaseModel):
    """One limit of an account that a person has set aside, by the name it goes by on the command line."""

    model_config = ConfigDict(frozen=True)

    account: str
    limit: str
    block: str  # the reason that entry-check would give
    set_at: datetime
    expires_at: datetime
    by: str
    reason: str


class OverrideList(BaseModel):
    """What is set aside now; what ends first comes first."""

    model_config = ConfigDict(frozen=True)

    overrides: list[OverrideReport]
