"""Build the app: the API, the door, and the pages on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from desk.api import alerts, data, entry_check, fleet, journal, keys, me, people, strategies, system, verification
from desk.api.document import add_document
from desk.api.guard import check_routes
from desk.desk import Desk
from desk.figures import FLEET_FILE
from desk.pages import door as door_pages
from desk.people.door import Door
from desk.people.passwords import Passwords
from desk.problems import add_problems
from models.clock import Clock
from models.fleet import Fleet
from models.settings import DeskSettings, Settings
from tasks.runtime import open_runtime

_FLEET_EVERY = timedelta(seconds=2)
ROUTERS: tuple[APIRouter, ...] = (
    alerts.router,
    data.router,
    entry_check.router,
    fleet.router,
    journal.router,
    keys.router,
    me.router,
    people.router,
    strategies.router,
    system.router,
    verification.router,
)


@asynccontextmanager
async def open_desk(
    settings: Settings, fleet: Fleet, served: DeskSettings, clock: Clock | None = None
) -> AsyncIterator[Desk]:
    """Open a desk for the length of the block. Raises: StoreError."""
    async with open_runtime(settings, fleet, clock) as runtime:
        desk = Desk.of(runtime, served)
        looking = [asyncio.create_task(work) for work in (desk.live.run(), _watch_fleet(desk))]
        try:
            yield desk
        finally:
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
            await desk.live.close()
            await desk.venues.drop()


async def _watch_fleet(desk: Desk) -> None:
    """Read the fleet file anew when it changes."""
    while True:
        await desk.clock.sleep(_FLEET_EVERY)
        if await asyncio.to_thread(desk.read_fleet_again):
            desk.live.tell({FLEET_FILE})


def build_app(desk: Desk, *, pages: bool = True) -> FastAPI:
    """Return the app of a desk. `pages` False: the API alone; the pages' framework has one app a process."""
    door: dict[str, Any] = {"desk": desk}
    if pages:
        from desk.pages import everything  # noqa: PLC0415 - two seconds that the API alone need not pay

        door["owns_socket"] = everything.is_of_its_page
    app = FastAPI(
        title="Nija's desk",
        version="1",
        description="What the desk shows and does. Every list is paged; every fault is a problem document with a code.",
        docs_url=None,  # its pages fetch their scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        middleware=[Middleware(GZipMiddleware, minimum_size=1024), Middleware(Door, **door)],
    )
    app.state.passwords = Passwords()
    add_problems(app)
    app.include_router(door_pages.router)
    for router in ROUTERS:
        app.include_router(router)
    add_document(app)
    check_routes(app)
    if pages:
        everything.add_pages(app)
    return app
