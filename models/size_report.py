"""The size of an entry as the outside reads it. Fields are kept and grow only by addition; amounts are strings."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.sizing import SizeReason, SizingMethod


class SizeReport(BaseModel):
    """What an entry of `asked_usd` is made by volatility, in the account's quote currency, and why.

    `flagged`: something it takes is not known (`volatility_unknown`: why). `volatility_fraction`: the deviation of the
    hourly returns, 0.02 is 2 %; `source`: whose stored candles it is made of, `as_of`: when the newest of them ended.
    `portfolio_usd`: cash and positions; None: the method does not ask, or it could not be read.
    """

    model_config = ConfigDict(frozen=True)

    account: str
    symbol: str
    asked_usd: str
    size_usd: str
    method: SizingMethod
    reason: SizeReason
    flagged: bool
    volatility_fraction: str | None
    volatility_unknown: str | None
    source: str
    candles: int
    as_of: datetime | None
    portfolio_usd: str | None
    detail: str  # the same in words
