"""`nija entry-check`: say whether an account may open a position now."""

import asyncio
from typing import Annotated

import typer

from cli.asked import SymbolOption, UsdOption, as_amount, as_symbol
from cli.console import FleetOption, JsonOption, print_json
from cli.fleet_file import told
from cli.render import show_entry
from models.settings import load_settings

BLOCKED = 2


def entry_check(
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account that would buy.")],
    symbol: SymbolOption,
    usd: UsdOption,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say whether a new entry is allowed now, with every reason that blocks it.

    An allowed entry keeps its slot for a few seconds, so that two who ask at once cannot both have the last one.

    Exit 0: allowed. 2: blocked. 1: it could not run.

    Example: nija entry-check --account alice --symbol ETH/USDT --usd 100
    """
    amount, wanted = as_amount(usd), as_symbol(symbol)
    from flows.entry_check import check_entry  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    (chosen,) = loaded.choose([account])

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            report = await check_entry(runtime, chosen, wanted, amount)
        (print_json if as_json else show_entry)(report)
        return 0 if report.allowed else BLOCKED

    return asyncio.run(run())
