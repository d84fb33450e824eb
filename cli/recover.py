"""`nija recover`: settle what an interrupted run left."""

import asyncio

from cli.console import AccountsOption, FleetOption, JsonOption, print_json
from cli.fleet_file import told
from cli.render import show_recovery
from models.settings import load_settings


def recover(fleet: FleetOption = None, account: AccountsOption = None, as_json: JsonOption = False) -> int:
    """Look up every order whose outcome is unknown, and close it in the ledger. Sends no new order.

    Exit 0: no order is undecided any more. 3: some still are, or an account could not be read. 1: it could not run.

    Example: nija recover --account alice
    """
    from flows.recover import recover_fleet  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    chosen = loaded.choose(account or [])

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            report = await recover_fleet(runtime, chosen)
        (print_json if as_json else show_recovery)(report)
        return report.exit_code

    return asyncio.run(run())
