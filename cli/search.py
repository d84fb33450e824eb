"""`nija optimize` and `nija walk-forward`: search for a strategy's parameters, and say whether the best is luck."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import JsonOption, note, print_json
from cli.research_options import (
    CashOption,
    DataOption,
    FeeOption,
    GapsOption,
    HoldOption,
    HtmlOption,
    LongOnlyOption,
    SinceOption,
    SizeOption,
    SizingOption,
    SlippageOption,
    SourceOption,
    StopOption,
    SymbolOption,
    TakeOption,
    TimeframeOption,
    TrailingOption,
    UntilOption,
    assumptions,
    checked,
    data_request,
    figures,
    registry,
)
from models.errors import ConfigError
from models.search import SearchMethod

if TYPE_CHECKING:
    from flows.search_request import SearchRequest

StrategiesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        metavar="NAME",
        help="May be repeated; all: each that reads as many series [default: sma-cross].",
    ),
]
RangesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=RANGE",
        help="What to try: fast=5:50:5, fast=5,10,20, sma-cross.fast=10 [default: what the strategy suggests].",
    ),
]
ObjectiveOption = Annotated[str, typer.Option("--objective", metavar="METRIC", help="The metric that is sought.")]
MethodOption = Annotated[
    SearchMethod, typer.Option("--method", help="grid: every combination; tpe: what Optuna proposes, for large spaces.")
]
TrialsOption = Annotated[int, typer.Option("--trials", metavar="N", help="How many combinations tpe looks at.")]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Of tpe: the same seed, the same search.")]
FoldsOption = Annotated[int, typer.Option("--folds", metavar="N", help="How often it is chosen and then tried.")]
RatioOption = Annotated[
    float, typer.Option("--ratio", metavar="X", help="How much longer a sample is than what it is tried on.")
]
AnchoredOption = Annotated[bool, typer.Option("--anchored", help="Every sample begins at the first bar, and grows.")]


def optimize(  # noqa: PLR0917 - Typer reads the options off the signature
    strategy: StrategiesOption = None,
    param: RangesOption = None,
    source: SourceOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data: DataOption = None,
    allow_gaps: GapsOption = False,
    objective: ObjectiveOption = "sharpe",
    method: MethodOption = SearchMethod.GRID,
    trials: TrialsOption = 200,
    seed: SeedOption = 0,
    cash: CashOption = None,
    fee: FeeOption = None,
    slippage: SlippageOption = None,
    long_only: LongOnlyOption = False,
    size: SizeOption = None,
    sizing: SizingOption = None,
    stop_loss: StopOption = None,
    take_profit: TakeOption = None,
    trailing_stop: TrailingOption = None,
    longest_hold: HoldOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Search for a strategy's parameters on the whole history, and judge whether the best is more than luck.

    Every combination is kept in the store. A search that was stopped, however it was, is gone on with by the same
    command: what was evaluated is not evaluated again.

    Exit 0: every best combination holds up. 2: one does not, so it is no recommendation. 3: a strategy could not be
    searched. 1: it could not run.

    Example: nija optimize --strategy sma-cross --param fast=5:50:5 --param slow=20:200:20 --symbol BTC/USDT
    """
    from flows.search_request import SearchRequest  # noqa: PLC0415 - numba takes seconds that --help need not pay

    request = checked(
        SearchRequest,
        strategies=strategy or ["sma-cross"],
        ranges=param or [],
        data=data_request(source, symbol, timeframe, (since, until), data, allow_gaps=allow_gaps),
        objective=objective,
        method=method,
        trials=trials,
        seed=seed,
        assumptions=assumptions(
            **figures(cash, fee, slippage, stop_loss, take_profit, trailing_stop, longest_hold),
            sizing=sizing,
            long_only=long_only,
            size=size,
        ),
    )
    return _searched(request, html, as_json=as_json)


def walk_forward(  # noqa: PLR0917 - likewise
    strategy: StrategiesOption = None,
    param: RangesOption = None,
    source: SourceOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data: DataOption = None,
    allow_gaps: GapsOption = False,
    folds: FoldsOption = 5,
    ratio: RatioOption = 3.0,
    anchored: AnchoredOption = False,
    objective: ObjectiveOption = "sharpe",
    method: MethodOption = SearchMethod.GRID,
    trials: TrialsOption = 200,
    seed: SeedOption = 0,
    cash: CashOption = None,
    fee: FeeOption = None,
    slippage: SlippageOption = None,
    long_only: LongOnlyOption = False,
    size: SizeOption = None,
    sizing: SizingOption = None,
    stop_loss: StopOption = None,
    take_profit: TakeOption = None,
    trailing_stop: TrailingOption = None,
    longest_hold: HoldOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Choose parameters in one part of the history and try them on the next, again and again; judge what came of it.

    What is tried was never seen when it was chosen, so this is the nearest to what trading it would have brought.
    Everything is kept, and gone on with, as by `nija optimize`.

    Exit 0: what was chosen holds up out of the sample. 2: it does not. 3: a strategy could not be searched. 1: it could
    not run.

    Example: nija walk-forward --strategy breakout --symbol BTC/USDT --timeframe 1h --folds 6 --ratio 4
    """
    from flows.search_request import WalkForwardRequest  # noqa: PLC0415 - as above

    request = checked(
        WalkForwardRequest,
        strategies=strategy or ["sma-cross"],
        ranges=param or [],
        data=data_request(source, symbol, timeframe, (since, until), data, allow_gaps=allow_gaps),
        objective=objective,
        method=method,
        trials=trials,
        seed=seed,
        folds=folds,
        ratio=ratio,
        anchored=anchored,
        assumptions=assumptions(
            **figures(cash, fee, slippage, stop_loss, take_profit, trailing_stop, longest_hold),
            sizing=sizing,
            long_only=long_only,
            size=size,
        ),
    )
    return _searched(request, html, as_json=as_json)


def _searched(request: "SearchRequest", html: Path | None, *, as_json: bool) -> int:
    """Search, show what came of it, write the page that is asked for."""
    from cli.search_progress import shown  # noqa: PLC0415 - as above
    from cli.search_tables import show_search  # noqa: PLC0415
    from flows.search_run import search_all  # noqa: PLC0415

    if html is not None and not html.absolute().parent.is_dir():
        raise ConfigError("--html", f"there is no folder {html.absolute().parent}")
    with shown() as progress:
        report = asyncio.run(search_all(request, registry=registry(), progress=progress))
    if html is not None:
        from research.pages.search_page import search_page  # noqa: PLC0415

        html.write_text(search_page(report), encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        show_search(report)
    if html is not None:
        note(f"the whole report: {html}")
    return report.exit_code
