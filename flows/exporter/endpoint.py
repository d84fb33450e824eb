"""The endpoint that Prometheus asks: whatever happens to the store, it answers and says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from flows.exporter.reader import Reader, Reading
from models.errors import ConfigError

_SHUT_DOWN_SECONDS = 1.0
_INDEX = "Nija's metrics are at /metrics\n"


@asynccontextmanager
async def serving(reader: Reader, host: str, port: int) -> AsyncIterator[str]:
    """Serve for the length of the block; yield the address, with the port that was chosen where `port` is 0.

    Raises: ConfigError where the port is taken, or the host is none of this machine.
    """
    app = web.Application()
    app.add_routes([web.get("/metrics", _metrics_of(reader)), web.get("/", _index), web.get("/-/healthy", _index)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUT_DOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            problem = f"cannot be listened at: {error.strerror or error}"
            raise ConfigError(f"{host}:{port}", problem, "a free port") from None
        bound = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}/metrics"
    finally:
        await runner.cleanup()


def written(reading: Reading, accept: str) -> tuple[bytes, str]:
    """Return a reading in the form that is asked for, and the form's name."""
    encoder, form = choose_encoder(accept)
    if form not in reading.texts:
        reading.texts[form] = encoder(reading.registry)
    return reading.texts[form], form


def _metrics_of(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def metrics(request: web.Request) -> web.Response:
        reading = await reader.read()
        body, form = await asyncio.to_thread(written, reading, request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": form})
        response.enable_compression()
        return response

    return metrics


async def _index(_request: web.Request) -> web.Response:
    return web.Response(text=_INDEX)
