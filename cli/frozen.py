"""`nija frozen`: which symbols may not be entered, why, and what ends it."""

import asyncio

import typer
from rich.table import Table

from cli.by_hand import OnlyAccountOption, SymbolOption, check_account, choose, operator
from cli.console import FleetOption, JsonOption, OneAccountOption, ReasonOption, given, note, out, print_json
from flows.stop_reports import frozen_symbol
from models.clock import SystemClock
from models.decision_report import FrozenList
from models.errors import ConfigError
from models.freeze import Freeze
from models.reasons import FreezeState
from models.settings import load_settings
from models.store.engine import Store
from models.store.freezes import freeze_by_hand, freezes
from models.store.freezes import unfreeze as unfreeze_in_store

app = typer.Typer(no_args_is_help=True, help="See which symbols are frozen, freeze one, end a freeze.")

_STATES = {FreezeState.REVIEW: "manual review", FreezeState.FROZEN: "frozen", FreezeState.COUNTING: "counting"}


@app.command("list")
def list_frozen(account: OnlyAccountOption = None, fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """List the symbols whose price failed: first what waits for a person, then what thaws, then what is only counted.

    A frozen symbol gets no entry and still counts. Once its price is good again it may be sold, frozen or not. What the
    policy's restricted_symbols names gets no entry either, and is not listed here.

    Example: nija frozen list --account alice
    """
    settings = load_settings()

    async def run() -> tuple[Freeze, ...]:
        async with await Store.open(settings.store_url) as store:
            return await freezes(store, account)

    found = asyncio.run(run())
    if not found:
        check_account(settings, fleet, account)
    (print_json if as_json else _show)(FrozenList(frozen=[frozen_symbol(freeze) for freeze in found]))
    return 0


@app.command()
def freeze(account: OneAccountOption, symbol: SymbolOption, reason: ReasonOption, fleet: FleetOption = None) -> int:
    """Stop entries into a symbol, whatever its price, until a person unfreezes it. Exits go on.

    Example: nija frozen freeze --account alice --symbol AUT/USD --reason "its issuer is under investigation"
    """
    settings, why = load_settings(), given(reason)
    chosen = choose(settings, fleet, account, symbol)

    async def run() -> bool:
        async with await Store.open(settings.store_url) as store:
            return await freeze_by_hand(
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
        out.print(f"{account}: {symbol} frozen, until nija frozen unfreeze", markup=False, soft_wrap=True)
    else:
        note(f"{account}: {symbol} was frozen by hand before; nothing was changed")
    return 0


@app.command()
def unfreeze(account: OneAccountOption, symbol: SymbolOption, reason: ReasonOption) -> int:
    """End a freeze, whatever its cause. Where the price still fails, the count begins anew.

    Example: nija frozen unfreeze --account alice --symbol AUT/USD --reason "listed again under the same name"
    """
    why = given(reason)

    async def run() -> bool:
        async with await Store.open(load_settings().store_url) as store:
            return await unfreeze_in_store(store, account, symbol, by=operator(), reason=why, now=SystemClock().now())

    if not asyncio.run(run()):
        raise ConfigError("--symbol", f"{symbol!r} of {account!r} is not frozen", "what nija frozen list shows")
    out.print(f"{account}: {symbol} unfrozen", markup=False, soft_wrap=True)
    return 0


def _show(report: FrozenList) -> None:
    if not report.frozen:
        out.print("no symbol is frozen")
        return
    table = Table("account", "symbol", "state", "failures", "cause", "since (UTC)", "thaws (UTC)")
    for one in report.frozen:
        thaws = "" if one.clears_when is None else "by hand only"
        if one.thaws_at is not None:
            thaws = f"{one.thaws_at:%Y-%m-%d %H:%M:%S}"
        since = f"{one.since:%Y-%m-%d %H:%M:%S}"
        table.add_row(one.account, one.symbol, _STATES[one.state], str(one.failures), one.why, since, thaws)
    out.print(table)
