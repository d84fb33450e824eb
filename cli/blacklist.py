"""`nija blacklist`: the dust that is left where it is."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.table import Table

from cli.by_hand import OnlyAccountOption, SymbolOption, check_account, choose, operator
from cli.console import FleetOption, JsonOption, OneAccountOption, ReasonOption, err, given, note, out, print_json
from flows.stop_reports import blacklisted_symbol
from models.clock import SystemClock
from models.decision_report import Blacklist, BlacklistedSymbol
from models.dust import DustMark
from models.errors import ConfigError
from models.settings import load_settings
from models.store.dust import blacklist, clear_marks, mark_by_hand, remove_mark
from models.store.engine import Store

app = typer.Typer(no_args_is_help=True, help="See what dust is left where it is, add to that list, take off it.")

NOTHING_CHANGED = 2


@app.command("list")
def list_blacklist(account: OnlyAccountOption = None, fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """List the blacklist: what could not be sold, and what a person put there.

    Example: nija blacklist list --account alice
    """
    settings = load_settings()

    async def run() -> tuple[tuple[str, DustMark], ...]:
        async with await Store.open(settings.store_url) as store:
            return await blacklist(store, account)

    found = asyncio.run(run())
    if not found:
        check_account(settings, fleet, account)
    (print_json if as_json else _show)(Blacklist(blacklist=[blacklisted_symbol(owner, mark) for owner, mark in found]))
    return 0


@app.command()
def add(account: OneAccountOption, symbol: SymbolOption, reason: ReasonOption, fleet: FleetOption = None) -> int:
    """Let a holding be: it is neither sold nor converted for being dust, small or a consolidation candidate.

    It takes no slot of the cap only while it is dust: worth less than the dust threshold, or not yet dust_hysteresis
    times as much. From there on it counts again, the report says so, and it may go for the cap in its turn; from the
    consolidation threshold on it is treated like any other.

    Example: nija blacklist add --account alice --symbol DOGE/USD --reason "a keepsake"
    """
    settings, why = load_settings(), given(reason)
    chosen = choose(settings, fleet, account, symbol)

    async def run() -> bool:
        async with await Store.open(settings.store_url) as store:
            return await mark_by_hand(
                store,
                chosen.account,
                chosen.symbol,
                by=operator(),
                reason=why,
                mode=chosen.mode,
                policy_version=chosen.policy_version,
                now=SystemClock().now(),
            )

    if asyncio.run(run()):
        out.print(f"{account}: {symbol} is on the blacklist", markup=False, soft_wrap=True)
    else:
        note(f"{account}: {symbol} was put on the blacklist by hand before; nothing was changed")
    return 0


@app.command()
def remove(account: OneAccountOption, symbol: SymbolOption, reason: ReasonOption) -> int:
    """Take a symbol off the blacklist: the next run judges it like any other.

    Example: nija blacklist remove --account alice --symbol DOGE/USD --reason "it can be sold again"
    """
    why = given(reason)

    async def run() -> bool:
        async with await Store.open(load_settings().store_url) as store:
            return await remove_mark(store, account, symbol, by=operator(), reason=why, now=SystemClock().now())

    if not asyncio.run(run()):
        allowed = "what nija blacklist list shows"
        raise ConfigError("--symbol", f"{symbol!r} is not on the blacklist of {account!r}", allowed)
    out.print(f"{account}: {symbol} is off the blacklist", markup=False, soft_wrap=True)
    return 0


@app.command()
def clear(
    account: OneAccountOption,
    reason: ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Take every symbol of an account off the blacklist.

    Exit 0: done. 2: you said no. 1: it could not run, or there was nothing to take off.

    Example: nija blacklist clear --account alice --reason "the venue lowered its minimums"
    """
    settings, why = load_settings(), given(reason)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("--yes", "is needed where there is no terminal to ask on")
        for line in asyncio.run(_words(settings.store_url, account)):
            err.print(line, markup=False, soft_wrap=True)
        if not typer.confirm(f"Take all of these off the blacklist of {account}?", default=False, err=True):
            note("nothing was changed")
            return NOTHING_CHANGED

    async def run() -> tuple[str, ...]:
        async with await Store.open(settings.store_url) as store:
            return await clear_marks(store, account, by=operator(), reason=why, now=SystemClock().now())

    cleared = asyncio.run(run())
    if not cleared:
        allowed = "what nija blacklist list shows"
        raise ConfigError("--account", f"nothing is on the blacklist of {account!r}", allowed)
    out.print(f"{account}: off the blacklist: {', '.join(cleared)}", markup=False, soft_wrap=True)
    return 0


async def _words(store_url: str, account: str) -> list[str]:
    async with await Store.open(store_url) as store:
        marks = [mark for _, mark in await blacklist(store, account)]
    return [f"{mark.symbol}: {_why(blacklisted_symbol(account, mark))}" for mark in marks]


def _why(mark: BlacklistedSymbol) -> str:
    return "by hand" if mark.by_hand else mark.reason.replace("_", " ")


def _show(report: Blacklist) -> None:
    if not report.blacklist:
        out.print("nothing is on the blacklist")
        return
    table = Table("account", "symbol", "why", "worth then", "since (UTC)", "not tried before (UTC)")
    for one in report.blacklist:
        retry = "" if one.retry_at is None else f"{one.retry_at:%Y-%m-%d %H:%M:%S}"
        since = f"{one.marked_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(one.account, one.symbol, _why(one), one.value_usd or "not known", since, retry)
    out.print(table)
