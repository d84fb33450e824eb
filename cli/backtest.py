"""`nija backtest` and `nija compare`: what a strategy would have earned, and several side by side."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.console import FleetOption, JsonOption, note, print_json
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

AccountOption = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="ID",
        help="Its venue's stored history, its policy's limits and sizing where none is given, long positions alone.",
    ),
]

CapOption = Annotated[
    int | None,
    typer.Option(
        "--max-positions",
        metavar="N",
        help="With several symbols: positions at a time that share the cash [default: the policy's cap, or all].",
    ),
]


def backtest(  # noqa: PLR0917 - Typer reads the options off the signature
    strategy: Annotated[str, typer.Option("--strategy", metavar="NAME", help="As nija strategies list shows them.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="KEY=VALUE", help="A parameter; may be repeated.")
    ] = None,
    source: SourceOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data: DataOption = None,
    allow_gaps: GapsOption = False,
    account: AccountOption = None,
    fleet: FleetOption = None,
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
    max_positions: CapOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Trade one strategy on stored history, or on files of candles, and say what came of it.

    Several --symbol, or several --data, share the cash: as many positions at a time as --max-positions allows.

    Signals of a bar's close are acted on at the next open; every trade pays its fee and its slippage. The verdict shows
    the points it is made of, and says where there were too few trades. The result is kept: rebalancing weighs by it.

    Exit 0: it ran. 1: it could not run.

    Example: nija backtest --strategy sma-cross --param fast=10 --symbol BTC/USDT --timeframe 1h --html report.html
    """
    assumed = assumptions(
        **figures(cash, fee, slippage, stop_loss, take_profit, trailing_stop, longest_hold),
        sizing=sizing,
        long_only=long_only,
        size=size,
    )
    prices = data_request(source, symbol, timeframe, (since, until), data, allow_gaps=allow_gaps)
    registry()  # says which strategies are broken
    from flows.backtest import backtest_kept  # noqa: PLC0415 - numba takes seconds that --help need not pay
    from flows.backtest_request import BacktestRequest  # noqa: PLC0415

    request = checked(
        BacktestRequest,
        strategy=strategy_with(strategy, param),
        data=prices,
        assumptions=assumed,
        max_positions=max_positions,
        account=account,
        fleet=None if fleet is None else str(fleet),
    )
    ran = asyncio.run(backtest_kept(request))
    if html is not None:
        from research.pages.page import backtest_page  # noqa: PLC0415

        _write(html, backtest_page(ran.report, ran.result))
    if as_json:
        print_json(ran.report)
    else:
        from cli.backtest_tables import show_backtest  # noqa: PLC0415

        show_backtest(ran.report)
    return 0


def compare(  # noqa: PLR0917 - likewise
    strategy: Annotated[
        list[str],
        typer.Option(
            "--strategy", metavar="NAME", help="Two to four of them; parameters as in sma-cross:fast=5,slow=20."
        ),
    ],
    source: SourceOption = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data: DataOption = None,
    allow_gaps: GapsOption = False,
    account: AccountOption = None,
    fleet: FleetOption = None,
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
    max_positions: CapOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> int:
    """Trade two to four strategies on the same prices, and show their figures side by side, the best of each marked.

    Exit 0: it ran. 1: it could not run.

    Example: nija compare --strategy sma-cross --strategy rsi:period=7 --symbol BTC/USDT --timeframe 1h
    """
    assumed = assumptions(
        **figures(cash, fee, slippage, stop_loss, take_profit, trailing_stop, longest_hold),
        sizing=sizing,
        long_only=long_only,
        size=size,
    )
    prices = data_request(source, symbol, timeframe, (since, until), data, allow_gaps=allow_gaps)
    if not 2 <= len(strategy) <= 4:  # noqa: PLR2004 - of `flows.backtest_request`
        raise ConfigError("--strategy", f"{len(strategy)} given", "two to four of them")
    registry()
    from flows.backtest_request import CompareRequest  # noqa: PLC0415 - as above
    from flows.compare import compare_kept  # noqa: PLC0415

    request = checked(
        CompareRequest,
        strategies=strategy,
        data=prices,
        assumptions=assumed,
        max_positions=max_positions,
        account=account,
        fleet=None if fleet is None else str(fleet),
    )
    report = asyncio.run(compare_kept(request))
    if html is not None:
        from research.pages.page import compare_page  # noqa: PLC0415

        _write(html, compare_page(report))
    if as_json:
        print_json(report)
    else:
        from cli.backtest_tables import show_comparison  # noqa: PLC0415

        show_comparison(report)
    return 0


def strategy_with(name: str, parameters: list[str] | None) -> str:
    """Return a strategy's name with parameters as one text. Raises: ConfigError for a parameter without a value."""
    for one in parameters or ():
        if "=" not in one or "," in one:
            raise ConfigError("--param", f"found {one!r}", "KEY=VALUE")
    if not parameters:
        return name
    return f"{name}{',' if ':' in name else ':'}{','.join(parameters)}"


def _write(path: Path, page: str) -> None:
    path.write_text(page, encoding="utf-8")
    note(f"{path}: {len(page) / 1e6:.1f} MB, stands alone")
