"""What is measured of the fleet: what `nija status` shows. Fields are kept and grow only by addition."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.breaker import Health
from models.report import BalanceReport


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Happened(_Part):
    """How often something happened, by days in UTC."""

    today: int = 0
    in_7_days: int = 0


class AccountMetrics(_Part):
    """One account as the store knows it. A figure that is not known is None: it was never read.

    `status` is what its last run came to, `last_run` which pipeline that was. `positions` counts what takes a slot,
    `dust` what is held beside that. `breaker`: the worst way to its venue,
    None: nobody asked it yet. `halts`: since when and why, in words.
    """

    account: str
    kind: str
    venue: str
    status: str | None
    last_run: str | None
    last_seen: datetime | None
    active: bool
    positions: int | None
    cap: int
    at_cap: bool | None
    dust: int | None
    unvalued: list[str]
    balance: BalanceReport
    breaker: Health | None
    halts: list[str]
    frozen: list[str]
    undecided: int


class PipelineMetrics(_Part):
    """When a pipeline ran last, and last ran well. `every_seconds` None: it runs on demand."""

    pipeline: str
    status: str
    last_seen: datetime
    last_ok: datetime | None
    every_seconds: float | None


class FleetMetrics(_Part):
    """The whole fleet at one instant.

    `verification_pass_rate` is a fraction; None: nothing was verified yet. Active: seen within 24 hours.
    `global_position_count` adds up what was last read of each account; `accounts_never_read` are not in it.
    """

    told_at: datetime
    last_verification_date: datetime | None
    verification_pass_rate: float | None
    failed_checks: list[str]
    total_users_active: int
    users_at_cap: int
    global_position_count: int
    global_position_max: int
    accounts_never_read: list[str]
    low_balance_warnings: Happened
    high_volatility_adjustments: Happened
    fallback_activations: Happened
    alerts: dict[str, int]  # those that stand, by severity
    pipelines: list[PipelineMetrics]
    accounts: list[AccountMetrics]
