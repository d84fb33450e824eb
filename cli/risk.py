"""`nija risk`: set a limit of one account aside for a while, see what is set aside, let it hold again."""

import asyncio
import re
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.by_hand import OnlyAccountOption, check_account, operator
from cli.console import FleetOption, JsonOption, OneAccountOption, ReasonOption, given, out, print_json
from models.clock import SystemClock
from models.errors import ConfigError
from models.reasons import Block
from models.risk import OVERRIDABLE, Override
from models.risk_report import OverrideList, OverrideReport
from models.settings import load_settings
from models.store.engine import Store
from models.store.overrides import LONGEST, revoke_override, set_override, standing_overrides

app = typer.Typer(no_args_is_help=True, help="Set a limit aside for a while, see what is set aside, end it.")

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

LimitOption = Annotated[str, typer.Option("--limit", metavar="LIMIT", help=f"Which limit: {', '.join(OVERRIDABLE)}.")]


@app.command()
def override(
    account: OneAccountOption,
    limit: LimitOption,
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="For how long: 30m, 2h; a day at most.")],
    reason: ReasonOption,
    fleet: FleetOption = None,
) -> int:
    """Set one limit of an account aside for a while. Every entry check says so, and your name is kept.

    The cap, a halt for the cap, and what protects the books cannot be set aside.

    Example: nija risk override --account alice --limit daily_loss --for 2h --reason "a withdrawal, no loss"
    """
    settings, block, lasts, why = load_settings(), _block(limit), _span(span), given(reason)
    check_account(settings, fleet, account)
    now = SystemClock().now()
    made = Override(account, block, now, now + lasts, operator(), why)

    async def run() -> None:
        async with await Store.open(settings.store_url) as store:
            await set_override(store, made)

    asyncio.run(run())
    out.print(f"{account}: {made.sentence}", markup=False, soft_wrap=True)
    return 0


@app.command("list")
def list_overrides(account: OnlyAccountOption = None, fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """List the limits that are set aside now, with who did it, until when and why.

    Example: nija risk list --account alice
    """
    settings = load_settings()

    async def run() -> tuple[Override, ...]:
        async with await Store.open(settings.store_url) as store:
            return await standing_overrides(store, account, now=SystemClock().now())

    found = asyncio.run(run())
    if not found:
        check_account(settings, fleet, account)
    (print_json if as_json else _show)(OverrideList(overrides=[_told(one) for one in found]))
    return 0


@app.command()
def revoke(account: OneAccountOption, limit: LimitOption, reason: ReasonOption) -> int:
    """Let a limit hold again at once.

    Example: nija risk revoke --account alice --limit daily_loss --reason "done"
    """
    block, why = _block(limit), given(reason)

    async def run() -> bool:
        async with await Store.open(load_settings().store_url) as store:
            return await revoke_override(store, account, block, by=operator(), reason=why, now=SystemClock().now())

    if not asyncio.run(run()):
        raise ConfigError("--limit", f"{limit!r} of {account!r} is not set aside", "what nija risk list shows")
    out.print(f"{account}: {limit} holds again", markup=False, soft_wrap=True)
    return 0


def _block(limit: str) -> Block:
    if limit not in OVERRIDABLE:
        raise ConfigError("--limit", f"{limit!r} cannot be set aside", ", ".join(OVERRIDABLE))
    return OVERRIDABLE[limit]


def _span(written: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})([mhd])", written.strip(), re.ASCII)
    span = timedelta(0) if match is None else int(match[1]) * _UNITS[match[2]]
    if not timedelta(0) < span <= LONGEST:
        raise ConfigError("--for", f"{written!r} is no such span", "1m to 24h, as in 30m or 2h")
    return span


def _told(made: Override) -> OverrideReport:
    return OverrideReport(
        account=made.account,
        limit=made.limit,
        block=made.block.value,
        set_at=made.set_at,
        expires_at=made.expires_at,
        by=made.by,
        reason=made.reason,
    )


def _show(report: OverrideList) -> None:
    if not report.overrides:
        out.print("no limit is set aside")
        return
    table = Table("account", "limit", "until (UTC)", "by", "reason")
    for one in report.overrides:
        words = (one.by, one.reason)  # a person's own: no markup
        table.add_row(one.account, one.limit, f"{one.expires_at:%Y-%m-%d %H:%M:%S}", *(Text(word) for word in words))
    out.print(table)
