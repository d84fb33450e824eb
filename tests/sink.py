"""The webhook of `nija alerts sink` in a thread of its own, which a test may let fail, and what it got."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from cli.alert_sink import Arrived, sink_app

TOKEN = "the-secret-token-0815"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


async def says_500(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text=f"no: {TOKEN}")


async def says_502_in_html(_: web.Request) -> web.StreamResponse:
    return web.Response(status=502, text="<html><h1>Bad Gateway</h1></html>", content_type="text/html")


async def redirects(_: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/login"})


async def wants_less(_: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "60"})


async def knows_nobody(_: web.Request) -> web.StreamResponse:
    return web.Response(status=404)


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class Sink:
    """A running webhook. `answer`: what it does instead of taking a message, for so many of them."""

    def __init__(self) -> None:
        self.got: list[Arrived] = []
        self.asked = 0
        self._answers: list[Answer] = []
        self._always: Answer | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address as a channel: no longer than half a second is waited for an answer."""
        return f"json://127.0.0.1:{self.port}/{TOKEN}?rto=0.5"

    @property
    def titles(self) -> list[str]:
        return [str(one["title"]) for one in self.got]

    def fails(self, answer: Answer | None, times: int | None = None) -> None:
        """Answer the next so many messages like this; None: until told otherwise."""
        self._answers = [] if times is None or answer is None else [answer] * times
        self._always = answer if times is None else None

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> int:
        app = sink_app(self.got.append)
        app.middlewares.append(self._fault)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return int(self._runner.addresses[0][1])

    async def _end(self) -> None:
        await self._runner.cleanup()
        hanging = asyncio.all_tasks() - {asyncio.current_task()}
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    @web.middleware
    async def _fault(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked += 1
        answer = self._answers.pop(0) if self._answers else self._always
        told = None if answer is None else await answer(request)
        response: web.StreamResponse = await handler(request) if told is None else told
        return response
