"""`nija rebalance`: weigh an account's strategies by their backtests, and show or make what it takes to get there."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.console import AccountsOption, FleetOption, JsonOption
from cli.fleet_run import FlowRun, LiveOption, VerboseOption, YesOption, run_on_fleet
from models.errors import ConfigError
from models.history_plan import instant_of

RefreshOption = Annotated[bool, typer.Option("--refresh", help="Test every strategy anew on the stored history first.")]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="With --refresh: on prices from then on; 90d, 8w, or a date.")
]


def rebalance(  # noqa: PLR0917 - Typer reads the options off the signature
    fleet: FleetOption = None,
    account: AccountsOption = None,
    refresh: RefreshOption = False,
    since: SinceOption = "90d",
    live: LiveOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Weigh the strategies that the fleet file gives an account, and plan towards their weights.

    Scores come from each strategy's newest stored backtest: 0.4 Sharpe, 0.3 win rate, 0.3 profit. Weights lie between
    5 and 40 % and sum to one; what no strategy may have stays cash. With --live, and where the policy says
    rebalance_apply, what is too much is sold first, then what is missing is bought, each buy only if an entry check
    allows it.

    Exit 0: every account is at its weights. 2: a dry run found something to do. 3: an account is halted, blocked or
    failed. 1: the command could not run.

    Example: nija rebalance --account alice --refresh
    """
    try:
        instant_of(since, datetime.now(UTC))
    except ValueError as error:
        raise ConfigError("--since", str(error)) from None

    def find() -> FlowRun:
        from flows import rebalance as pipeline  # noqa: PLC0415 - see `FlowRun`

        told = {"refresh": refresh, "since": since}
        return lambda fields: pipeline.rebalance(pipeline.RebalanceRequest(**fields, **told))

    return run_on_fleet(find, fleet=fleet, accounts=account, live=live, yes=yes, as_json=as_json, verbose=verbose)
