"""Tell on stderr what an operator should know of the fleet file that a command has loaded: one line, once a command."""

from pathlib import Path

from cli.console import note
from models.fleet import Fleet, load_fleet
from models.settings import load_settings, policy_defaults


def told(fleet: Fleet) -> Fleet:
    """Tell it, and return the fleet."""
    for warning in fleet.warnings:
        note(f"warning: {warning}")
    return fleet


def load_and_tell(path: Path | None) -> Fleet:
    """Load the fleet file and tell it, for a command that needs no more of it or leaves the rest to a flow.

    Raises: ConfigError.
    """
    return told(load_fleet(path or load_settings().fleet, policy_defaults()))
