"""`nija decisions`: who decided what about the accounts, when and why."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.by_hand import OnlyAccountOption, check_account
from cli.console import FleetOption, JsonOption, out, print_json
from models.decision_report import DecisionList, DecisionMade
from models.settings import load_settings
from models.store.decisions import Decision, decisions
from models.store.engine import Store

app = typer.Typer(no_args_is_help=True, help="See who decided what, when and why.")


@app.command("list")
def list_decisions(
    account: OnlyAccountOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 100,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """List what was decided about halts, freezes, the blacklist and tracked positions, newest first.

    Where no person decided, the condition is named that held.

    Example: nija decisions list --account alice
    """
    settings = load_settings()

    async def run() -> tuple[Decision, ...]:
        async with await Store.open(settings.store_url) as store:
            return await decisions(store, account, limit=limit)

    found = asyncio.run(run())
    if not found:
        check_account(settings, fleet, account)
    made = [DecisionMade(account=d.account, decision=d.what, by=d.by, reason=d.reason, at=d.at) for d in found]
    (print_json if as_json else _show)(DecisionList(decisions=made))
    return 0


def _show(report: DecisionList) -> None:
    if not report.decisions:
        out.print("nothing was decided yet")
        return
    table = Table("at (UTC)", "account", "decision", "by", "reason")
    for one in report.decisions:
        words = (one.account, one.decision, one.by, one.reason)  # a person's own: no markup
        table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", *(Text(word) for word in words))
    out.print(table)
