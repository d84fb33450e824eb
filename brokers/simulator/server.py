"""Run a simulated venue: one aiohttp server that speaks its wire format, with the control API beside it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from brokers.simulator.alpaca.wire import AlpacaWire
from brokers.simulator.binance.wire import BinanceWire
from brokers.simulator.bybit.wire import BybitWire
from brokers.simulator.coinbase.wire import CoinbaseWire
from brokers.simulator.coingecko.wire import CoinGeckoWire
from brokers.simulator.control import Control, Handler
from brokers.simulator.faults import FaultPlan
from brokers.simulator.kraken.wire import KrakenWire
from brokers.simulator.manners import VenueName
from brokers.simulator.okx.wire import OkxWire
from brokers.simulator.polymarket.wire import PolymarketWire
from brokers.simulator.service import Service
from brokers.simulator.venue import Venue
from brokers.simulator.wire import Wire
from brokers.simulator.world import World

_WIRES: dict[VenueName, Callable[[Venue], Wire]] = {
    VenueName.KRAKEN: KrakenWire,
    VenueName.BINANCE: BinanceWire,
    VenueName.COINBASE: CoinbaseWire,
    VenueName.OKX: OkxWire,
    VenueName.BYBIT: BybitWire,
    VenueName.ALPACA: AlpacaWire,
    VenueName.COINGECKO: CoinGeckoWire,
    VenueName.POLYMARKET: PolymarketWire,
}
_SHUTDOWN_SECONDS = 0.2  # hanging answers are cut off, not waited for
log = logging.getLogger(__name__)


class Server:
    """A venue listening on a port."""

    def __init__(self, venue: Venue, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Prepare to serve; port 0 takes a free one."""
        self.venue, self._host, self._port = venue, host, port
        self.stop_asked = asyncio.Event()
        self._last_request = time.monotonic()
        self._away: asyncio.Task[None] | None = None
        self._runner = web.AppRunner(
            self._app(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, handle_signals=False
        )

    async def start(self) -> str:
        """Listen, and return the base url. Raises: OSError where the port is taken."""
        await self._runner.setup()
        await self._listen()
        host, port = self._runner.addresses[0][:2]
        log.info("simulated venue is listening", extra={"venue": self.venue.world.venue, "port": port})
        return f"http://{host}:{port}"

    async def leave(self, request: web.Request, seconds: float) -> None:
        """Let go of the port and of every connection but the request's, and listen again after so many seconds."""
        if self._away is not None:
            return
        self._port = self._runner.addresses[0][1]
        for site in list(self._runner.sites):
            await site.stop()
        connections = self._runner.server.connections if isinstance(self._runner.server, web.Server) else []
        for transport in (connection.transport for connection in connections if connection is not request.protocol):
            if transport is not None:
                transport.abort()
        self._away = asyncio.create_task(self._come_back(seconds))

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()
        self._away = None

    async def _listen(self) -> None:
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def wait(self, idle_seconds: float | None = None) -> None:
        """Return when asked to stop, or when nobody has called for that long."""
        while not self.stop_asked.is_set():
            left = None
            if idle_seconds is not None:
                left = self._last_request + idle_seconds - time.monotonic()
                if left <= 0:
                    log.info("simulated venue was idle and stops")
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop_asked.wait(), left)

    async def close(self) -> None:
        """Stop listening and store the state."""
        if self._away is not None:
            self._away.cancel()
        await self._runner.cleanup()
        self.venue.close()

    def _app(self) -> web.Application:
        service = Service(self.venue, _WIRES[self.venue.world.venue](self.venue), self.leave)

        app = web.Application(client_max_size=2**20)
        app.add_routes(Control(self.venue, self.stop_asked).routes())
        app.router.add_route("*", "/{path:.*}", service.handle)
        app.middlewares.append(self._noted)
        return app

    @web.middleware
    async def _noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._last_request = time.monotonic()
        return await handler(request)


async def serve(
    world: World,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    state_path: Path | None = None,
    faults: FaultPlan | None = None,
    idle_seconds: float | None = None,
    on_ready: Callable[[str], object] | None = None,
) -> None:
    """Serve a world until cancelled, asked to stop, or idle for too long."""
    server = Server(Venue(world, state_path=state_path, faults=faults), host=host, port=port)
    try:
        url = await server.start()
        if on_ready is not None:
            on_ready(url)
        await server.wait(idle_seconds)
    finally:
        await server.close()
