"""What the commands share that run a flow over the fleet: their options, the question before orders, the exit code."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.console import err, note, out, print_json
from cli.fleet_file import told
from cli.prefect_server import prepare_prefect
from cli.render import show_run
from models.errors import ConfigError
from models.fleet import Fleet
from models.report import RunReport
from models.settings import Settings, load_settings
from models.store.engine import Store

NOTHING_SENT = 2

LiveOption = Annotated[bool, typer.Option("--live", help="Apply the plan; without it no order leaves.")]
YesOption = Annotated[bool, typer.Option("--yes", help="With --live: do not ask.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's own log on stderr.")]

# The flow, called with the fields of its request. It is handed over in a function that imports it: ccxt and Prefect
# take seconds that --help need not pay, and Prefect reads its settings when it is imported.
FlowRun = Callable[[dict[str, Any]], Awaitable[object]]


def run_on_fleet(
    find_flow: Callable[[], FlowRun],
    *,
    fleet: Path | None,
    accounts: list[str] | None,
    live: bool,
    yes: bool,
    as_json: bool,
    verbose: bool,
) -> int:
    """Plan, ask where a person must be asked, apply, show what came of it; return the exit code.

    Raises: ConfigError, StoreError.
    """
    if live and not yes and not sys.stdin.isatty():
        raise ConfigError("--live", "asks before it acts, and there is no terminal to ask on", "--live --yes")
    settings = load_settings()
    run = _Runner(find_flow, settings, fleet or settings.fleet, accounts or [], verbose=verbose)
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

    def __init__(
        self,
        find_flow: Callable[[], FlowRun],
        settings: Settings,
        path: Path,
        accounts: list[str],
        *,
        verbose: bool,
    ) -> None:
        from tasks.runtime import read_fleet  # noqa: PLC0415 - see `FlowRun`

        self.find_flow = find_flow
        self.path = path
        self.fleet: Fleet = read_fleet(settings, path)
        self.accounts = [a.id for a in self.fleet.choose(accounts)]
        told(self.fleet)
        asyncio.run(_check_store(settings))
        prepare_prefect(settings.home, verbose=verbose)

    def once(self, *, live: bool, approved: dict[str, str] | None = None) -> RunReport:
        from cli.progress import shown  # noqa: PLC0415

        flow = self.find_flow()
        request = {
            "fleet": str(self.path.absolute()),
            "accounts": self.accounts,
            "live": live,
            "approved": approved,
        }

        async def run() -> object:
            return await flow(request)

        with shown(self.accounts):
            report = asyncio.run(run())
        if not isinstance(report, RunReport):  # a start by hand is never late, and nobody else runs it
            raise TypeError(f"the flow returned {report!r}")
        return report


async def _check_store(settings: Settings) -> None:
    """Open and lock the store once, before a server is started for a run that could not write."""
    async with await Store.open(settings.store_url) as store, store.writing():
        pass
