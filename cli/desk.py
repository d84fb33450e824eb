"""`nija desk`: the operator's pages and their API; and who may use them."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from cli.console import FleetOption, note, out
from cli.desk_address import address_of
from cli.desk_link import first_words
from cli.desk_people import people, tokens
from cli.fleet_file import told
from models.errors import ConfigError
from models.fleet import Fleet
from models.settings import DeskSettings, Settings, load_desk_settings, load_settings

app = typer.Typer(invoke_without_command=True, help="Serve the operator's pages and their API; say who may use them.")
app.add_typer(people, name="people")
app.add_typer(tokens, name="tokens")

HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Where it listens [default: NIJA_DESK_HOST, else 127.0.0.1].")
]
PortOption = Annotated[
    int | None, typer.Option(min=1, max=65535, help="The port [default: NIJA_DESK_PORT, else 4280].")
]


@app.callback()
def serve(
    context: typer.Context,
    fleet: FleetOption = None,
    host: HostOption = None,
    port: PortOption = None,
    link: Annotated[bool, typer.Option(hidden=True, help="Say how the first admin comes in.")] = True,
) -> int | None:
    """Serve the operator's pages and their API until Ctrl-C.

    Its first start makes the admin, and prints a link that works once and sets their password.

    Example: nija desk --port 4280
    """
    if context.invoked_subcommand is not None:
        return None
    from tasks.runtime import read_fleet  # noqa: PLC0415 - ccxt takes a second that --help need not pay

    settings, served = load_settings(), load_desk_settings()
    given = {"host": host, "port": port}
    served = served.model_copy(update={name: value for name, value in given.items() if value is not None})
    loaded = told(read_fleet(settings, fleet))
    listening = _listen(served)
    asyncio.run(_serve(settings, loaded, served, listening, link=link))
    return 0


async def _serve(
    settings: Settings, fleet: Fleet, served: DeskSettings, listening: socket.socket, *, link: bool
) -> None:
    import uvicorn  # noqa: PLC0415 - as above

    from desk.app import build_app, open_desk  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(open_desk(settings, fleet, served))
        config = uvicorn.Config(
            build_app(desk),
            access_log=False,
            log_config=None,
            log_level="warning",
            proxy_headers=bool(served.proxies),
            forwarded_allow_ips=served.proxies or None,
            server_header=False,
            ws_max_size=1_000_000,
            timeout_graceful_shutdown=3,
        )
        out.print(f"desk: {address_of(served)}", markup=False, soft_wrap=True)
        if link:
            for line in await first_words(desk.store, address_of(served), to_terminal=out.is_terminal):
                out.print(line, markup=False, soft_wrap=True)
        await uvicorn.Server(config).serve(sockets=[listening])


def _listen(served: DeskSettings) -> socket.socket:
    """Take the port before anything is opened. Raises: ConfigError naming who has it."""
    try:
        found = socket.getaddrinfo(served.host, served.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError("--host", f"{served.host} is no address of this machine ({error.strerror})") from None
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise ConfigError("--port", f"{served.host}:{served.port}: {error.strerror}", "a free port") from None
    listening.listen(512)
    if not _is_loopback(served.host):
        note(f"warning: whoever reaches {served.host} reaches the desk: put a proxy with https in front of it")
    return listening


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
