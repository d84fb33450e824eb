"""`nija size`: say how large an entry should be by how much its price moves."""

import asyncio
from typing import Annotated

import typer

from cli.asked import SymbolOption, UsdOption, as_amount, as_symbol
from cli.console import FleetOption, JsonOption, out, print_json
from cli.fleet_file import told
from models.errors import ConfigError
from models.settings import load_settings
from models.size_report import SizeReport


def size(
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account that would buy.")],
    symbol: SymbolOption,
    usd: UsdOption,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say how large an entry should be, by how much its price moves, and why.

    Made of the stored hourly candles of the account's own venue (nija history collect). Where they do not say, the
    smaller size is the answer, and it is flagged. The policy's sizing_method chooses between tiers and
    inverse_volatility. Nothing is reserved and nothing is bought.

    Exit 0: answered. 1: it could not run.

    Example: nija size --account alice --symbol ETH/USDT --usd 100
    """
    amount, wanted = as_amount(usd), as_symbol(symbol)
    from flows.size import ask_size  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    (chosen,) = loaded.choose([account])
    if not wanted.endswith(f"/{chosen.quote}"):
        raise ConfigError("--symbol", f"{wanted!r} is no market of {chosen.id}", f"BASE/{chosen.quote}")

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            report = await ask_size(runtime, chosen, wanted, amount)
        (print_json if as_json else show_size)(report)
        return 0

    return asyncio.run(run())


def show_size(report: SizeReport) -> None:
    """Print a size in one line, the reason behind it."""
    style = "yellow" if report.flagged else "green"
    out.print(f"{report.account}: {report.symbol} for {report.asked_usd}: ", end="")
    out.print(report.size_usd, style=style, end="")
    out.print(f", {report.detail} [{report.method}: {report.reason}]", markup=False, soft_wrap=True)
