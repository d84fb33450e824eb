"""`nija alerts sink`: a webhook on this machine that prints what arrives, to see alerts without any service."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from aiohttp import web

from cli.console import note

Arrived = dict[str, Any]
_LARGEST = 1024 * 1024
_PORT = 9099


def sink(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="0: any that is free.")] = _PORT,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Where it listens.")] = "127.0.0.1",
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="PATH", help="Append what arrives to this file, too.")
    ] = None,
) -> int:
    """Receive alerts on this machine and print them, one JSON document a line. Ctrl-C ends it.

    Its address as a channel is json://127.0.0.1:9099/anything.

    Example: nija alerts sink --port 9099
    """

    def take(one: Arrived) -> None:
        line = json.dumps(one)
        typer.echo(line)
        if keep is not None:
            with keep.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    asyncio.run(_serve(host, port, take))
    return 0


def sink_app(take: Callable[[Arrived], None]) -> web.Application:
    """Return the webhook: whatever is posted to it, at any path, goes to `take`. The path may be a token: it is not."""

    async def receive(request: web.Request) -> web.Response:
        try:
            document = await request.json()
        except (ValueError, UnicodeDecodeError):
            return web.json_response({"error": "not JSON"}, status=400)
        fields = document if isinstance(document, dict) else {}
        told = {name: fields.get(name) for name in ("type", "title", "message")}
        take({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **told})
        return web.json_response({"ok": True})

    app = web.Application(client_max_size=_LARGEST)
    app.router.add_post("/{path:.*}", receive)
    return app


async def _serve(host: str, port: int, take: Callable[[Arrived], None]) -> None:
    runner = web.AppRunner(sink_app(take), access_log=None)  # a log of paths would be one of tokens
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        _, listening = runner.addresses[0][:2]
        note(f"listening; as a channel: json://{host}:{listening}/anything")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
