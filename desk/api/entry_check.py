"""What a trading bot calls before it trades."""

from decimal import Decimal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from desk.actions.entry import ask_entry
from desk.api.guard import EntryAsker, TheDesk
from desk.api.kinds import AccountId, Symbol
from models.report import EntryReport

router = APIRouter(tags=["entry-check"])


class Wish(BaseModel):
    """What a bot would buy, and for how much in the account's quote currency."""

    account: AccountId
    symbol: Symbol = Field(description="BASE/QUOTE, as in ETH/USD.")
    usd: Decimal = Field(gt=0, le=10**12, max_digits=24, decimal_places=10, allow_inf_nan=False)


@router.post("/api/entry-check")
async def entry_check(desk: TheDesk, who: EntryAsker, wish: Wish) -> EntryReport:
    """Say whether an entry is allowed now, with every reason that blocks it.

    One that is allowed keeps its slot for a few seconds, so that two who ask at once cannot both have the last one.
    """
    return await ask_entry(desk, who, wish.account, wish.symbol, wish.usd)
