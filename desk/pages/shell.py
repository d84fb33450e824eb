"""The frame around every page."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request
from nicegui import ui

from desk.desk import Desk, desk_of, who_of
from models.people import Who
from models.store.sessions import end_session


@contextmanager
def shell(request: Request, title: str) -> Iterator[tuple[Desk, Who]]:
    """Draw the frame; what is drawn in the block is the page's own."""
    desk, who = desk_of(request), who_of(request)
    ui.page_title(f"{title} · Nija")

    async def leave() -> None:
        await end_session(desk.store, who, now=desk.clock.now())
        ui.navigate.to("/login")

    with ui.header().classes("items-center"):
        ui.link("Nija", "/")
        ui.space()
        ui.label(f"{who.name} ({who.role})")
        ui.button("Log out", on_click=leave).props("flat dense")
    with ui.column().classes("w-full"):
        yield desk, who
