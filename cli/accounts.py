"""`nija halts` and `nija forget`: what only a person may decide about an account."""

import asyncio

import typer
from rich.table import Table

from cli.by_hand import operator
from cli.console import FleetOption, OneAccountOption, ReasonOption, given, out
from cli.fleet_file import told
from models.clock import SystemClock
from models.errors import ConfigError
from models.fleet import load_fleet
from models.settings import load_settings, policy_defaults
from models.store.engine import Store
from models.store.halts import clear_halts, standing_halts
from models.store.tracked import forget as forget_tracked

halts = typer.Typer(no_args_is_help=True, help="See which accounts are halted, and lift a halt.")


@halts.command("list")
def list_halts() -> int:
    """List the halts that stand, with their cause and what clears them.

    Example: nija halts list
    """

    async def run() -> int:
        async with await Store.open(load_settings().store_url) as store:
            standing = await standing_halts(store)
        table = Table("account", "since (UTC)", "cause", "detail", "clears when")
        for halt in standing:
            table.add_row(
                halt.account, f"{halt.halted_at:%Y-%m-%d %H:%M:%S}", halt.cause, halt.detail, halt.clears_when
            )
        out.print(table if standing else "no account is halted")
        return 0

    return asyncio.run(run())


@halts.command()
def resume(account: OneAccountOption, reason: ReasonOption) -> int:
    """Lift an account's halts.

    Example: nija halts resume --account alice --reason "sold by hand, within the cap again"
    """

    async def run() -> int:
        async with await Store.open(load_settings().store_url) as store:
            lifted = await clear_halts(store, account, by=operator(), reason=given(reason), now=SystemClock().now())
        if not lifted:
            raise ConfigError("--account", f"no halt stands for {account!r}", "what nija halts list shows")
        out.print(f"{account}: {lifted} halts lifted", markup=False)
        return 0

    return asyncio.run(run())


def forget(account: OneAccountOption, reason: ReasonOption, fleet: FleetOption = None) -> int:
    """Accept that an account's tracked positions are truly gone, after a read that looked empty.

    Example: nija forget --account alice --reason "withdrawn to cold storage"
    """
    settings = load_settings()
    told(load_fleet(fleet or settings.fleet, policy_defaults())).choose([account])
    why = given(reason)

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            dropped = await forget_tracked(store, account, by=operator(), reason=why, now=SystemClock().now())
        out.print(f"{account}: {dropped} tracked positions forgotten", markup=False)
        return 0

    return asyncio.run(run())
