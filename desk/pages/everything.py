"""Put the pages on the app. Importing a page registers it: each module here is one noun."""

import os

from fastapi import FastAPI

os.environ.setdefault("NICEGUI_STORAGE_PATH", "/nonexistent")  # the framework's own storage is not used

from nicegui import ui

from desk.pages import account, alerts, data, faults, fleet, journal, keys, people, strategies, system, verification
from desk.pages.sockets import hold_to_their_pages, is_of_its_page

__all__ = ["PAGES", "add_pages", "is_of_its_page"]

PAGES = (account, alerts, data, faults, fleet, journal, keys, people, strategies, system, verification)


def add_pages(app: FastAPI) -> None:
    """Mount the pages. Raises: RuntimeError where this process has an app with pages already."""
    hold_to_their_pages()
    ui.run_with(
        app,
        title="Nija",
        dark=None,
        language="en-US",
        tailwind=False,  # its compiler runs in the browser; our looks are one file
        gzip_middleware_factory=None,  # the app's own stands outside the door, which reads the pages
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
