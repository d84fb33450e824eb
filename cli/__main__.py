"""Run the command as a module: `python -m cli`."""

from cli.main import run

run()
