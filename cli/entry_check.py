"""`nija entry-check`: say whether an account may open a position now."""

import asyncio
from decimal import Decimal
from typing import Annotated

import typer

from cli.console import FleetOption, JsonOption, print_json
from cli.fleet_file import told
from cli.render import show_entry
from models.amounts import exact
from models.errors import ConfigError
from models.settings import load_settings

BLOCKED = 2


def entry_check(
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account that would buy.")],
    symbol: Annotated[str, typer.Option("--symbol", metavar="BASE/QUOTE", help="What it would buy.")],
    usd: Annotated[str, typer.Option("--usd", metavar="AMOUNT", help="For how much, in the account's quote currency.")],
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say whether a new entry is allowed now, with every reason that blocks it.

    An allowed entry keeps its slot for a few seconds, so that two who ask at once cannot both have the last one.

    Exit 0: allowed. 2: blocked. 1: it could not run.

    Example: nija entry-check --account alice --symbol ETH/USDT --usd 100
    """
    amount = _amount(usd)
    if symbol.count("/") != 1 or not all(symbol.split("/")):
        raise ConfigError("--symbol", f"{symbol!r} is no symbol", "BASE/QUOTE, as in ETH/USD")
    from flows.entry_check import check_entry  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    (chosen,) = loaded.choose([account])

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            report = await check_entry(runtime, chosen, symbol, amount)
        (print_json if as_json else show_entry)(report)
        return 0 if report.allowed else BLOCKED

    return asyncio.run(run())


def _amount(raw: str) -> Decimal:
    try:
        amount = exact(raw)
    except ValueError as error:
        raise ConfigError("--usd", str(error), "a positive amount") from None
    if amount <= 0:
        raise ConfigError("--usd", f"{raw} is not positive", "a positive amount")
    return amount
