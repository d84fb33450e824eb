"""What the commands share by which a person decides about one symbol: which one, of which account, and who it is."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from cli.fleet_file import told
from flows.chosen_symbol import Chosen, choose_symbol
from models.fleet import Fleet, load_fleet
from models.settings import Settings, policy_defaults

SymbolOption = Annotated[str, typer.Option("--symbol", metavar="BASE/QUOTE", help="The symbol, as in ETH/USD.")]
OnlyAccountOption = Annotated[
    str | None, typer.Option("--account", metavar="ID", help="Only this account [default: all].")
]


def choose(settings: Settings, fleet: Path | None, account: str, symbol: str) -> Chosen:
    """Find the account in the fleet, and hold the symbol to its quote currency.

    Raises: ConfigError: what is written otherwise would match nothing, and stop nothing.
    """
    return choose_symbol(_fleet(settings, fleet), account, symbol)


def check_account(settings: Settings, fleet: Path | None, account: str | None) -> None:
    """Refuse an account that nothing is known of: an empty list would be believed. Raises: ConfigError."""
    if account is not None:
        _fleet(settings, fleet).choose([account])


def operator() -> str:
    """Name whoever runs this; a container's user need not have a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _fleet(settings: Settings, fleet: Path | None) -> Fleet:
    return told(load_fleet(fleet or settings.fleet, policy_defaults()))
