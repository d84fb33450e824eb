"""`nija fleet`: check the fleet file, or print its schema."""

import json

import typer
from rich.table import Table

from cli.console import FleetOption, note, out
from cli.fleet_file import told
from models.fleet import fleet_schema, load_fleet
from models.settings import load_settings, policy_defaults

app = typer.Typer(no_args_is_help=True, help="Check the fleet file, or print its schema.")


@app.command()
def schema() -> int:
    """Print the JSON schema of a fleet file.

    Example: nija fleet schema > fleet.schema.json
    """
    typer.echo(json.dumps(fleet_schema(), indent=2, default=str))
    return 0


@app.command()
def check(fleet: FleetOption = None) -> int:
    """Check a fleet file and show every account with the policy that results. Reaches no venue.

    Example: nija fleet check --fleet fleet.yaml
    """
    loaded = load_fleet(fleet or load_settings().fleet, policy_defaults())
    from brokers.venues import check_venues  # noqa: PLC0415 - ccxt takes a second that a wrong file need not pay

    warnings = check_venues(loaded)
    table = Table(title=str(loaded.path), title_justify="left")
    for column in ("account", "kind", "venue", "quote", "cap", "dust", "minimum", "consolidation", "policy version"):
        table.add_column(column)
    for account in loaded.accounts:
        policy = loaded.policies[account.id]
        table.add_row(
            account.id,
            account.kind,
            f"{account.venue} (simulated)" if account.simulated else account.venue,
            account.quote,
            str(policy.max_positions),
            str(policy.dust_threshold_usd),
            str(policy.minimum_position_usd),
            str(policy.consolidation_threshold_usd),
            policy.version,
        )
    out.print(table)
    told(loaded)
    for warning in warnings:
        note(f"warning: {warning}")
    return 0
