"""`nija exits`: when positions are left, what a person has set for one of them, and a scan by hand."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import typer

from cli.by_hand import SymbolOption, choose, operator
from cli.console import (
    AccountsOption,
    FleetOption,
    JsonOption,
    OneAccountOption,
    ReasonOption,
    given,
    note,
    out,
    print_json,
)
from cli.exit_tables import limit_words, show_exits, show_statistics
from cli.fleet_file import told
from cli.fleet_run import FlowRun, LiveOption, VerboseOption, YesOption, run_on_fleet
from models.amounts import exact
from models.clock import SystemClock
from models.errors import ConfigError
from models.exits import NEVER, OwnLimit
from models.fleet import load_fleet
from models.settings import load_settings, policy_defaults
from models.store.engine import Store
from models.store.position_configs import clear_config, set_config
from models.store.tracked import tracked_positions
from rules.exit_limits import entry_in_force

app = typer.Typer(no_args_is_help=True, help="See when positions are left, set that for one of them, scan by hand.")

AS_POLICY = "policy"  # the word that takes one's own limit back
_ONE = Decimal(1)
_MOST_GAIN = Decimal(100)
_MOST_HOURS = Decimal(87_600)

StopOption = Annotated[
    str | None, typer.Option("--stop-loss", metavar="F", help="0.02 or 2%: left at a larger loss; or never, or policy.")
]
ProfitOption = Annotated[
    str | None,
    typer.Option("--take-profit", metavar="F", help="0.1 or 10%: left at a larger gain; or never, or policy."),
]
TrailingOption = Annotated[
    str | None,
    typer.Option("--trailing-stop", metavar="F", help="0.05 or 5%: left that far below its peak; or never, or policy."),
]
HoldOption = Annotated[
    str | None, typer.Option("--max-hold-hours", metavar="H", help="Left after so many hours; or never, or policy.")
]
EntryOption = Annotated[
    str | None, typer.Option("--entry-price", metavar="P", help="What a unit of it cost, where no fill tells it.")
]


@app.command("list")
def list_exits(account: AccountsOption = None, fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """List every tracked position with its entry, peak and last price, the limits in force, and what is due by now.

    It reads the store and asks no venue: prices are those of the last read.

    Example: nija exits list --account alice
    """
    from flows import exit_reports  # noqa: PLC0415 - the rules take a while that --help need not pay

    settings = load_settings()
    loaded = told(load_fleet(fleet or settings.fleet, policy_defaults()))
    chosen = loaded.choose(account or [])

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            report = await exit_reports.list_exits(store, loaded, chosen, SystemClock().now())
        (print_json if as_json else show_exits)(report)
        return 0

    return asyncio.run(run())


@app.command("set")
def set_limits(  # noqa: PLR0917 - Typer reads the options off the signature
    account: OneAccountOption,
    symbol: SymbolOption,
    reason: ReasonOption,
    stop_loss: StopOption = None,
    take_profit: ProfitOption = None,
    trailing_stop: TrailingOption = None,
    max_hold_hours: HoldOption = None,
    entry_price: EntryOption = None,
    fleet: FleetOption = None,
) -> int:
    """Set limits of one position; they win over the policy's until they are cleared. What is not named stays as it is.

    An entry price holds for the position that is held now: the next one of the symbol costs what it costs.

    Example: nija exits set --account alice --symbol ETH/USD --stop-loss 2% --max-hold-hours never --reason "long"
    """
    settings, why = load_settings(), given(reason)
    changes = {
        "stop_loss": _fraction("--stop-loss", stop_loss, below=_ONE),
        "take_profit": _fraction("--take-profit", take_profit, below=_MOST_GAIN),
        "trailing_stop": _fraction("--trailing-stop", trailing_stop, below=_ONE),
        "max_hold_hours": _number("--max-hold-hours", max_hold_hours, most=_MOST_HOURS),
    }
    told = (stop_loss, take_profit, trailing_stop, max_hold_hours)
    named = {name: value for (name, value), raw in zip(changes.items(), told, strict=True) if raw is not None}
    entry = _price(entry_price)
    if not named and entry is None:
        allowed = "--stop-loss, --take-profit, --trailing-stop, --max-hold-hours, --entry-price"
        raise ConfigError("nija exits set", "names nothing to set", allowed)
    chosen = choose(settings, fleet, account, symbol)

    async def run() -> None:
        async with await Store.open(settings.store_url) as store:
            now = SystemClock().now()
            config = await set_config(
                store, chosen.account, symbol, named, entry_price=entry, by=operator(), reason=why, now=now
            )
            tracked = (await tracked_positions(store, chosen.account)).get(symbol)
        if config is None:
            problem = f"{symbol!r} of {account!r} is not tracked: what it cost can be told once a run has seen it"
            raise ConfigError("--entry-price", problem, "what nija exits list shows")
        out.print(f"{account}: {symbol}: {limit_words(config)}", markup=False, soft_wrap=True)
        if tracked is None:
            note(f"{symbol} is not tracked now: the limits wait for it")
        elif entry is not None and entry_in_force(tracked, config) != entry:
            note(f"its entry of {tracked.entry_price} is known by its fills, and goes on to be used")

    asyncio.run(run())
    return 0


@app.command()
def clear(account: OneAccountOption, symbol: SymbolOption, reason: ReasonOption) -> int:
    """Take back everything that was set for one position: the policy's limits hold again.

    Example: nija exits clear --account alice --symbol ETH/USD --reason "the long hold is over"
    """
    why = given(reason)

    async def run() -> bool:
        async with await Store.open(load_settings().store_url) as store:
            return await clear_config(store, account, symbol, by=operator(), reason=why, now=SystemClock().now())

    if not asyncio.run(run()):
        raise ConfigError("--symbol", f"nothing is set for {symbol!r} of {account!r}", "what nija exits list shows")
    out.print(f"{account}: {symbol}: as the policy has it", markup=False, soft_wrap=True)
    return 0


@app.command()
def stats(
    account: AccountsOption = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only exits since this day or instant, in UTC.")
    ] = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Add up the exits of the ledger by reason: how many, their P&L after fees, how long the positions were held.

    Example: nija exits stats --since 2026-03-01
    """
    from flows import exit_reports, order_reports  # noqa: PLC0415 - the store takes a while that --help need not pay

    settings, wanted = load_settings(), _instant(since)

    async def run() -> int:
        async with await Store.open(settings.store_url) as store:
            if account:
                await order_reports.check_accounts(store, account, fleet or settings.fleet)
            report = await exit_reports.exit_statistics(store, account or [], wanted)
        (print_json if as_json else show_statistics)(report)
        return 0

    return asyncio.run(run())


@app.command()
def run(  # noqa: PLR0917 - Typer reads the options off the signature
    fleet: FleetOption = None,
    account: AccountsOption = None,
    live: LiveOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Scan once: leave every position whose stop, profit target, trailing stop or longest hold is crossed.

    Exit codes as of `nija normalize`; compliant means that no exit is due any more.

    Example: nija exits run --live
    """

    def find() -> FlowRun:
        from flows.enforce_exits import enforce_exits  # noqa: PLC0415 - see `FlowRun`
        from flows.normalize import FleetRequest  # noqa: PLC0415

        return lambda fields: enforce_exits(FleetRequest(**fields))

    return run_on_fleet(find, fleet=fleet, accounts=account, live=live, yes=yes, as_json=as_json, verbose=verbose)


def _fraction(option: str, raw: str | None, *, below: Decimal) -> OwnLimit:
    """Read a fraction, or percent where they are called so: 3 could be meant as either, and is refused."""
    if raw is None or raw in {NEVER, AS_POLICY}:
        return NEVER if raw == NEVER else None
    number = _exact(option, raw.removesuffix("%"))
    fraction = number / 100 if raw.endswith("%") else number
    if number >= 1 and not raw.endswith("%"):
        allowed = f"{raw}% for percent, or a fraction below 1; or never, or policy"
        raise ConfigError(option, f"{raw} could be meant as {raw} % or as {number * 100:f} %", allowed)
    if not 0 < fraction < below:
        raise ConfigError(option, f"{raw} is not between 0 and {below * 100:f} %", "as in 0.03, or 3%")
    return fraction


def _number(option: str, raw: str | None, *, most: Decimal) -> OwnLimit:
    if raw is None or raw in {NEVER, AS_POLICY}:
        return NEVER if raw == NEVER else None
    number = _exact(option, raw)
    if not 0 < number <= most:
        raise ConfigError(option, f"{raw} is not above 0 and at most {most}", "hours, never, policy")
    return number


def _price(raw: str | None) -> Decimal | None:
    if raw is None:
        return None
    price = _exact("--entry-price", raw)
    if price <= 0:
        raise ConfigError("--entry-price", f"{raw} is not above 0", "what one unit cost, in the quote currency")
    return price


def _exact(option: str, raw: str) -> Decimal:
    try:
        return exact(raw)
    except ValueError as error:
        raise ConfigError(option, str(error), "a number, never, policy") from None


def _instant(raw: str | None) -> datetime | None:
    if raw is None:
        return None
    try:
        instant = datetime.fromisoformat(raw)
    except ValueError:
        allowed = "a day as 2026-03-01, or an instant as 2026-03-01T12:00"
        raise ConfigError("--since", f"{raw!r} is no date", allowed) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
