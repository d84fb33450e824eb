"""Compare strategies anew on stored prices; each result is kept, as `nija compare` keeps it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from desk.desk import Desk
from desk.views.strategies import Comparison, comparison
from flows.backtest_request import MOST_COMPARED, CompareRequest
from flows.compare import compared_on
from flows.research_data import DataRequest
from flows.research_settings import Assumptions
from models.errors import ConfigError
from models.history_plan import instant_of
from models.journal import one_line
from models.people import Permit, Role, Who
from models.store.desk_audit import Deed, note_alone
from research.registry import found

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(one_line)]
Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(one_line)]


class CompareAsked(BaseModel):
    """Which strategies, on which stored prices.

    `strategies`: names, or names with parameters like sma-cross:fast=5,slow=20. `since`, `until`: 90d, 12h, 8w or a
    date in UTC; empty: all that is stored. A strategy of two series is given two sources or two symbols.
    """

    model_config = ConfigDict(extra="forbid")

    strategies: Annotated[list[Named], Field(min_length=2, max_length=MOST_COMPARED)]
    sources: Annotated[list[Named], Field(max_length=2)] = []
    symbols: Annotated[list[Named], Field(max_length=2)] = []
    timeframe: Short = ""
    since: Short = ""
    until: Short = ""
    allow_gaps: bool = False
    initial_cash: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)] = 10_000.0
    fee_fraction: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] = 0.002
    slippage_fraction: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] = 0.001
    allow_short: bool = False


async def compare(desk: Desk, who: Who, asked: CompareAsked) -> Comparison:
    """Test every strategy on the same prices, keep the results, and put them side by side.

    Raises: AccessRefused; ConfigError for what cannot be tested, a strategy that looks ahead among it; StoreError.
    """
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    request = _request(desk, asked)
    async with desk.comparing:
        report = await compared_on(desk.store, request, found(), desk.clock)
    ids = [one.backtest_id for one in report.backtests if one.backtest_id is not None]
    after = {"strategies": asked.strategies, "data": report.data, "backtests": ids}
    await note_alone(desk.store, who, Deed("strategies.compare", report.data, None, after), desk.clock.now())
    return await comparison(desk, ids)


def _request(desk: Desk, asked: CompareAsked) -> CompareRequest:
    now = desk.clock.now()
    for field, text in (("since", asked.since), ("until", asked.until)):
        if text:
            try:
                instant_of(text, now)
            except ValueError as error:
                raise ConfigError(field, str(error)) from None
    try:
        data = DataRequest(
            sources=asked.sources,
            symbols=asked.symbols,
            timeframe=asked.timeframe or None,
            since=asked.since or None,
            until=asked.until or None,
            allow_gaps=asked.allow_gaps,
        )
    except ValueError as error:  # of the timeframe: the rest was looked at
        raise ConfigError("timeframe", f"{asked.timeframe!r} is none", "as in 1h") from error
    assumed = Assumptions(
        initial_cash=asked.initial_cash,
        fee_fraction=asked.fee_fraction,
        slippage_fraction=asked.slippage_fraction,
        allow_short=asked.allow_short,
    )
    return CompareRequest(strategies=asked.strategies, data=data, assumptions=assumed)
