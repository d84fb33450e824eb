"""What `nija breakers list --json` says. Fields are kept and grow only by addition."""

from pydantic import BaseModel, ConfigDict

from models.breaker import BreakerStatus


class BreakersReport(BaseModel):
    """Every way to a venue that was gone so far."""

    model_config = ConfigDict(frozen=True)

    breakers: list[BreakerStatus]
