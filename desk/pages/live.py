"""Keep an open page up to date: called while it is open, left when it is closed, ended with its session."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request
from nicegui import ui

from desk.desk import Desk, who_of
from models.people import Via

PATIENCE = 20.0  # seconds that a page may take to be built: a busy machine is late, and a page is better than none


def follow(desk: Desk, request: Request, topics: Iterable[str], refresh: Callable[[], Awaitable[None]]) -> None:
    """Bring the page that is being built up to date by `refresh` whenever something of the topics changed.

    When the session of the page is over, its browser is led to the login, and the page is gone.
    """
    client, who = ui.context.client, who_of(request)

    async def refreshed() -> None:
        if client.has_socket_connection:
            with client:
                await refresh()

    async def ended() -> None:
        if client.is_deleted:  # a page follows more than once, and goes once
            return
        with client:
            ui.navigate.to("/login")
        client.delete()

    session = who.key if who.via is Via.SESSION else None
    listener = desk.live.follow(topics, refreshed, session=session, ended=ended)
    client.on_delete(lambda: desk.live.leave(listener))
