"""The first page."""

from fastapi import Request
from nicegui import ui

from desk.pages.shell import shell


@ui.page("/")
async def home(request: Request) -> None:
    """Show the fleet."""
    with shell(request, "Fleet") as (desk, _who):
        ui.label(f"{len(desk.fleet.accounts)} accounts")
