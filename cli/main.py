"""The `nija` command: its sub-commands, and how a fault becomes one line and an exit code."""

import sys
from typing import Any

import typer

from cli import (
    accounts,
    adopt,
    alerts,
    automations,
    backtest,
    balances,
    blacklist,
    breakers,
    decisions,
    desk,
    doctor,
    entry_check,
    exit_watch,
    exits,
    fleet,
    frozen,
    history,
    keys,
    metrics,
    normalize,
    orders,
    rebalance,
    reconcile,
    recover,
    risk,
    search,
    simulate,
    size,
    status,
    store,
    strategies,
    studies,
    throttles,
    up,
    venues,
    verify,
    watch,
)
from cli.console import complain
from flows.logs import set_up_logs
from models.errors import NijaError
from models.settings import load_log_settings

app = typer.Typer(
    name="nija",
    help="Keep a fleet of exchange accounts in the shape its policy declares.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # Rich's own markup would take "[default: ...]" for a style and drop it
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(normalize.normalize)
app.command()(normalize.cleanup_dust)
app.command()(normalize.enforce_cap)
app.command()(recover.recover)
app.command()(entry_check.entry_check)
app.command()(size.size)
app.command()(rebalance.rebalance)
app.command()(backtest.backtest)
app.command()(backtest.compare)
app.command()(search.optimize)
app.command()(search.walk_forward)
app.command()(doctor.doctor)
app.command()(balances.balances)
app.command()(venues.venues)
app.command()(simulate.simulate)
app.command()(accounts.forget)
app.command()(adopt.adopt)
app.command()(watch.start_up)
app.command()(watch.watch)
app.command()(status.status)
app.command()(up.up)
app.command()(up.down)
app.add_typer(alerts.app, name="alerts")
app.add_typer(automations.app, name="automations")
app.add_typer(accounts.halts, name="halts")
app.add_typer(frozen.app, name="frozen")
app.add_typer(blacklist.app, name="blacklist")
app.add_typer(breakers.app, name="breakers")
app.add_typer(decisions.app, name="decisions")
app.add_typer(orders.app, name="orders")
exits.app.command("watch")(exit_watch.watch)
app.add_typer(exits.app, name="exits")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(risk.app, name="risk")
app.add_typer(fleet.app, name="fleet")
app.add_typer(verify.app, name="verify")
app.add_typer(throttles.app, name="throttles")
app.add_typer(store.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(metrics.app, name="metrics")
app.add_typer(history.app, name="history")
app.add_typer(desk.app, name="desk")
app.add_typer(strategies.app, name="strategies")
app.add_typer(studies.app, name="studies")

# Typer carries its own copy of Click, or uses the installed one: the class that both raise for bad usage.
_ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

CANNOT_RUN = 1
INTERRUPTED = 130


def run() -> None:
    """Run the command line: exit 1 when a command could not run, else what the command says."""
    try:
        set_up_logs(load_log_settings())
        code = app(standalone_mode=False)
    except _ClickException as error:
        complain("USAGE", error.format_message())
        code = CANNOT_RUN
    except NijaError as error:
        complain(error.code, str(error))
        code = CANNOT_RUN
    except OSError as error:
        complain("FILE_ERROR", f"{error.filename or 'a file'}: {error.strerror or error}")
        code = CANNOT_RUN
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:  # Typer itself makes this code of a Ctrl-C within a command
        complain("INTERRUPTED", "stopped; what was sent is in the ledger: nija recover")
    sys.exit(code if isinstance(code, int) else 0)
