"""`nija orders`: what was sent and what became of it, what rests, and how to cancel it."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.console import AccountsOption, FleetOption, JsonOption, err, note, print_json
from cli.fleet_file import told
from cli.order_tables import order_words, show_canceled, show_details, show_orders, show_statistics
from models.errors import ConfigError
from models.order_report import CanceledOrder, CancelReport, OrderList, RestingOrder
from models.reasons import OrderState
from models.settings import load_settings
from models.store.engine import Store

NOTHING_SENT = 2

app = typer.Typer(no_args_is_help=True, help="See what was sent and what became of it; cancel what rests.")

IdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="Our id of the order, its first six characters or more, or the venue's id."),
]
OfAccountOption = Annotated[str | None, typer.Option("--account", metavar="ID", help="Only orders of this account.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Only orders written since this day or instant, in UTC.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_orders(  # noqa: PLR0917 - Typer reads the options off the signature
    account: AccountsOption = None,
    state: Annotated[OrderState | None, typer.Option("--state", help="Only orders in this state.")] = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only orders without an end.")] = False,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 50,
    venue: Annotated[
        bool, typer.Option("--venue", help="Also ask the venues what rests there now, whoever placed it.")
    ] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the orders of the ledger, newest first.

    Exit 0. With --venue, 3: a venue could not be read. 1: it could not run.

    Example: nija orders list --account alice --undecided --venue
    """
    from brokers.order_history import OrderFilter  # noqa: PLC0415 - the store takes a while that --help need not pay
    from flows import order_reports  # noqa: PLC0415

    settings = load_settings()
    wanted = OrderFilter(account or (), state, undecided, _instant(since))

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            if account:
                await order_reports.check_accounts(store, account, fleet or settings.fleet)
            report = OrderList(orders=await order_reports.list_orders(store, wanted, limit=limit))
        if venue:
            from flows.order_desk import resting_orders  # noqa: PLC0415
            from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415 - so does ccxt

            loaded = told(read_fleet(settings, fleet))
            async with open_runtime(settings, loaded) as runtime:
                resting, errors = await resting_orders(runtime, loaded.choose(account or []))
            report = report.model_copy(update={"resting": resting, "errors": errors})
        (print_json if as_json else show_orders)(report)
        return report.exit_code

    return asyncio.run(run())


@app.command()
def show(order: IdArgument, account: OfAccountOption = None, as_json: JsonOption = False) -> int:
    """Show one order whole: what was meant, every fill, fees, slippage, and whether its fills are what was wanted.

    Example: nija orders show 3f9c21
    """
    from flows import order_reports  # noqa: PLC0415 - the store takes a while that --help need not pay

    async def run() -> int:
        async with await Store.open(load_settings().store_url) as store:
            report = await order_reports.show_order(store, order, account)
        (print_json if as_json else show_details)(report)
        return 0

    return asyncio.run(run())


@app.command()
def cancel(
    order: IdArgument,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ID", help="Its account; needed for an order that Nija did not place."),
    ] = None,
    yes: YesOption = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Cancel an order that rests, then read its fills again: it may have been filled meanwhile.

    Exit 0: it has an end, by the cancel or before it. 2: you said no. 3: it has none yet. 1: it could not run.

    Example: nija orders cancel 3f9c21
    """
    from flows.order_desk import cancel_target, find_target  # noqa: PLC0415 - ccxt takes a second
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            target = await find_target(runtime, order, account)
            if not (yes or target.is_decided or _agreed("Cancel this order?", [target.report])):
                return _nothing_sent(target.account.id, as_json=as_json)
            report = await cancel_target(runtime, target)
        (print_json if as_json else show_canceled)(report)
        return report.exit_code

    return asyncio.run(run())


@app.command("cancel-all")
def cancel_all(
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account.")],
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="BASE/QUOTE", help="Only this symbol.")] = None,
    yes: YesOption = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Cancel every order that rests at an account's venue, whoever placed it; one failing never stops another.

    Exit 0: nothing is left. 2: you said no. 3: an order is left, or may be. 1: it could not run.

    Example: nija orders cancel-all --account alice --symbol ETH/USDT
    """
    from flows import order_desk  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    (chosen,) = loaded.choose([account])

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            approved = None
            if not yes:
                approved = await order_desk.resting_at(runtime, chosen, symbol)
                if approved and not _agreed(f"Cancel these {len(approved)} orders?", approved):
                    return _nothing_sent(chosen.id, as_json=as_json)
            report = await order_desk.cancel_all(runtime, chosen, symbol=symbol, approved=approved)
        (print_json if as_json else show_canceled)(report)
        return report.exit_code

    return asyncio.run(run())


@app.command()
def stats(
    account: AccountsOption = None, since: SinceOption = None, fleet: FleetOption = None, as_json: JsonOption = False
) -> int:
    """Count what became of the orders, how well they were filled, and how long they took.

    Example: nija orders stats --since 2026-03-01
    """
    from brokers.order_history import OrderFilter  # noqa: PLC0415 - the store takes a while that --help need not pay
    from flows import order_reports  # noqa: PLC0415

    settings = load_settings()
    wanted = OrderFilter(account or (), since=_instant(since))

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            if account:
                await order_reports.check_accounts(store, account, fleet or settings.fleet)
            report = await order_reports.statistics_of(store, wanted)
        (print_json if as_json else show_statistics)(report)
        return 0

    return asyncio.run(run())


def _agreed(question: str, orders: Sequence[CanceledOrder | RestingOrder]) -> bool:
    """Name every order, and ask. Raises: ConfigError without a terminal."""
    if not sys.stdin.isatty():
        raise ConfigError("--yes", "is needed where there is no terminal to ask on")
    for order in orders:
        err.print(order_words(order), markup=False, soft_wrap=True)
    return typer.confirm(question, default=False, err=True)


def _nothing_sent(account: str, *, as_json: bool) -> int:
    note("nothing was sent")
    if as_json:
        print_json(CancelReport(account=account, orders=[], left=0))
    return NOTHING_SENT


def _instant(raw: str | None) -> datetime | None:
    """Read a day or an instant; without a zone it is UTC. Raises: ConfigError."""
    if raw is None:
        return None
    try:
        instant = datetime.fromisoformat(raw)
    except ValueError:
        allowed = "a day as 2026-03-01, or an instant as 2026-03-01T12:00"
        raise ConfigError("--since", f"{raw!r} is no date", allowed) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
