"""Where words go: reports to stdout, everything else to stderr; and the options that commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from models.errors import ConfigError

_PIPED_WIDTH = 160  # a file or a pipe has no width; Rich would cut tables at 80

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(stderr=True, highlight=False)

FleetOption = Annotated[
    Path | None,
    typer.Option("--fleet", metavar="PATH", help="The fleet file [default: NIJA_FLEET, else ./fleet.yaml]."),
]
AccountsOption = Annotated[
    list[str] | None,
    typer.Option("--account", metavar="ID", help="Only this account; may be given more than once [default: all]."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout, nothing else.")]


OneAccountOption = Annotated[str, typer.Option("--account", metavar="ID", help="The account.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with your name.")]


def given(reason: str) -> str:
    """Return a reason without the space around it. Raises: ConfigError for one that says nothing."""
    if not reason.strip():
        raise ConfigError("--reason", "is empty", "a sentence for whoever reads the history")
    return reason.strip()


def complain(code: str, sentence: str) -> None:
    """Say what went wrong in one line."""
    err.print(f"[bold red]nija:[/] [bold]{code}[/] ", end="")
    err.print(" ".join(sentence.split()), markup=False, soft_wrap=True)


def note(sentence: str) -> None:
    """Say something that is no fault."""
    err.print(sentence, style="dim", markup=False, soft_wrap=True)


def print_json(report: BaseModel) -> None:
    """Print a report as exactly one JSON document."""
    typer.echo(json.dumps(report.model_dump(mode="json"), indent=2))
