"""`nija normalize`: plan, ask, apply, and show what came of it."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.console import AccountsOption, FleetOption, JsonOption, err, note, out, print_json
from cli.prefect_server import prepare_prefect
from cli.render import show_run
from models.errors import ConfigError
from models.fleet import Fleet
from models.report import RunReport
from models.settings import Settings, load_settings
from models.store.engine import Store

NOTHING_SENT = 2


def normalize(  # noqa: PLR0917 - Typer reads the options off the signature
    fleet: FleetOption = None,
    account: AccountsOption = None,
    live: Annotated[bool, typer.Option("--live", help="Apply the plan; without it no order leaves.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --live: do not ask.")] = False,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's own log on stderr.")] = False,
) -> int:
    """Bring accounts into the shape their policy declares, or show what it would take.

    Exit 0: every account is compliant. 2: a dry run found something to do. 3: an account is halted, blocked or failed.
    1: the command could not run.

    Example: nija normalize --fleet fleet.yaml --account alice --live
    """
    if live and not yes and not sys.stdin.isatty():
        raise ConfigError("--live", "asks before it acts, and there is no terminal to ask on", "--live --yes")
    settings = load_settings()
    run = _Runner(settings, fleet or settings.fleet, account or [], verbose=verbose)
    if live and not yes:
        preview = run.once(live=False)
        show_run(preview, err if as_json else out)
        to_do = any(a.actions for a in preview.accounts)
        if to_do and not typer.confirm("Apply this plan with real orders?", default=False, err=True):
            note("nothing was sent")
            if as_json:
                print_json(preview)
            return NOTHING_SENT
        report = run.once(live=True, approved={a.account: a.plan_hash or "" for a in preview.accounts})
    else:
        report = run.once(live=live)
    if as_json:
        print_json(report)
    else:
        show_run(report)
    return report.exit_code


class _Runner:
    """Runs the flow in this process, on the server that was found; checked before anything is started."""

    def __init__(self, settings: Settings, path: Path, accounts: list[str], *, verbose: bool) -> None:
        from tasks.runtime import read_fleet  # noqa: PLC0415 - ccxt and Prefect take seconds that --help need not pay

        self.path = path
        self.fleet: Fleet = read_fleet(settings, path)
        self.accounts = [a.id for a in self.fleet.choose(accounts)]
        for warning in self.fleet.warnings:
            note(f"warning: {warning}")
        asyncio.run(_check_store(settings))
        prepare_prefect(settings.home, verbose=verbose)

    def once(self, *, live: bool, approved: dict[str, str] | None = None) -> RunReport:
        from cli.progress import shown  # noqa: PLC0415
        from flows.normalize import NormalizeRequest, normalize_accounts  # noqa: PLC0415

        request = NormalizeRequest(
            fleet=str(self.path.absolute()), accounts=self.accounts, live=live, approved=approved
        )
        with shown(self.accounts):
            return asyncio.run(normalize_accounts(request))


async def _check_store(settings: Settings) -> None:
    """Open and lock the store once, before a server is started for a run that could not write."""
    async with await Store.open(settings.store_url) as store, store.writing():
        pass
