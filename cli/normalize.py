"""`nija normalize`, and the commands that enforce one part of the policy: plan, ask, apply, show what came of it."""

from cli.console import AccountsOption, FleetOption, JsonOption
from cli.fleet_run import FlowRun, LiveOption, VerboseOption, YesOption, run_on_fleet


def normalize(  # noqa: PLR0917 - Typer reads the options off the signature
    fleet: FleetOption = None,
    account: AccountsOption = None,
    live: LiveOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Bring accounts into the shape their policy declares, or show what it would take.

    Exit 0: every account is compliant. 2: a dry run found something to do. 3: an account is halted, blocked or failed.
    1: the command could not run.

    Example: nija normalize --fleet fleet.yaml --account alice --live
    """

    def find() -> FlowRun:
        from flows.normalize import NormalizeRequest, normalize_accounts  # noqa: PLC0415 - see `FlowRun`

        return lambda fields: normalize_accounts(NormalizeRequest(**fields))

    return run_on_fleet(find, fleet=fleet, accounts=account, live=live, yes=yes, as_json=as_json, verbose=verbose)


def cleanup_dust(  # noqa: PLR0917 - likewise
    fleet: FleetOption = None,
    account: AccountsOption = None,
    live: LiveOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Close, convert or mark what is below the dust threshold, and leave everything else alone.

    Exit codes as of `nija normalize`; compliant means without dust that something can be done about.

    Example: nija cleanup-dust --live
    """

    def find() -> FlowRun:
        from flows import cleanup_dust as pipeline  # noqa: PLC0415 - see `FlowRun`
        from flows.normalize import FleetRequest  # noqa: PLC0415

        return lambda fields: pipeline.cleanup_dust(FleetRequest(**fields))

    return run_on_fleet(find, fleet=fleet, accounts=account, live=live, yes=yes, as_json=as_json, verbose=verbose)


def enforce_cap(  # noqa: PLR0917 - likewise
    fleet: FleetOption = None,
    account: AccountsOption = None,
    live: LiveOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Close the smallest positions until the cap holds, and leave dust and small positions alone.

    Exit codes as of `nija normalize`; compliant means within the cap.

    Example: nija enforce-cap --account alice --live
    """

    def find() -> FlowRun:
        from flows import enforce_cap as pipeline  # noqa: PLC0415 - see `FlowRun`
        from flows.normalize import FleetRequest  # noqa: PLC0415

        return lambda fields: pipeline.enforce_cap(FleetRequest(**fields))

    return run_on_fleet(find, fleet=fleet, accounts=account, live=live, yes=yes, as_json=as_json, verbose=verbose)
