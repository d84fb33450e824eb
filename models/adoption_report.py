"""The report of an adoption: what the outside reads. Fields are kept and grow only by addition; amounts are strings."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.adoption import ENTRY_KNOWN, LEFT_ASIDE, Adoption, PositionSource
from models.report import ErrorReport


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class AdoptedPosition(_Part):
    """One position that the venue shows. Quantity in base units, money in the account's quote currency.

    `entry_price` None: not known, so it is held and its age counts. `entry_source`: fills, by_hand or unknown.
    `adoption_status`: adopted, entry_unknown, or left_aside (dust, unvalued). `entry_time`: its first buy.
    """

    symbol: str
    side: Literal["buy"] = "buy"
    quantity: str
    size_usd: str | None
    entry_price: str | None
    entry_source: str
    entry_time: datetime | None
    first_seen_at: datetime
    source: PositionSource | None
    adoption_status: str
    tracked: bool = True
    code: Adoption
    detail: str = ""


class AdoptedAccount(_Part):
    """What an adoption made of one account. `gone`: tracked before, and not held any more."""

    account: str
    status: Literal["ok", "failed"]
    positions: list[AdoptedPosition] = []
    gone: list[str] = []
    errors: list[ErrorReport] = []


class AdoptionTotals(_Part):
    """Sums over the accounts: entry_known + entry_unknown + left_aside = positions."""

    accounts: int
    failed: int
    positions: int
    entry_known: int
    entry_unknown: int
    left_aside: int


class AdoptionReport(_Part):
    """One adoption over a fleet."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    accounts: list[AdoptedAccount]
    totals: AdoptionTotals

    @property
    def exit_code(self) -> int:
        """0 every entry is known that must be; 2 some are not; 3 an account could not be read."""
        if self.totals.failed:
            return 3
        return 2 if self.totals.entry_unknown else 0


def adoption_totals(accounts: list[AdoptedAccount]) -> AdoptionTotals:
    """Add the accounts up."""
    codes = [position.code for account in accounts for position in account.positions]
    known, aside = sum(code in ENTRY_KNOWN for code in codes), sum(code in LEFT_ASIDE for code in codes)
    return AdoptionTotals(
        accounts=len(accounts),
        failed=sum(account.status == "failed" for account in accounts),
        positions=len(codes),
        entry_known=known,
        entry_unknown=len(codes) - known - aside,
        left_aside=aside,
    )
