"""`nija simulate`: a simulated venue on this machine, speaking the real one's REST format."""

import asyncio
import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.console import err, note, out
from models.errors import ConfigError


def simulate(
    venue: Annotated[
        str,
        typer.Argument(
            metavar="VENUE",
            help="Whose format to speak: kraken, binance, coinbase, okx, alpaca, bybit, coingecko, polymarket.",
        ),
    ],
    world: Annotated[
        Path | None,
        typer.Option("--world", metavar="PATH", help="Markets and accounts [default: a small demonstration]."),
    ] = None,
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes any free port.", min=0, max=65535)] = 9001,
    state: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Keep the venue's state here [default: in memory only].")
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A fault plan: what goes wrong, at which call, how often.")
    ] = None,
) -> int:
    """Serve a simulated venue on 127.0.0.1 until Ctrl-C. ccxt cannot tell it from the real one.

    Example: nija simulate kraken --world examples/worlds/kraken.yaml --port 9001
    """
    from brokers.simulator.demo import demo_world  # noqa: PLC0415 - --help need not pay for a web server
    from brokers.simulator.faults import load_faults  # noqa: PLC0415
    from brokers.simulator.manners import READ_ONLY, VenueName  # noqa: PLC0415
    from brokers.simulator.server import serve  # noqa: PLC0415
    from brokers.simulator.world import WorldError, load_world  # noqa: PLC0415

    try:
        name = VenueName(venue)
    except ValueError:
        raise ConfigError("VENUE", f"no simulator for {venue!r}", ", ".join(VenueName)) from None
    try:
        served = demo_world(name) if world is None else load_world(world)
        plan = None if faults is None else load_faults(faults)
    except WorldError as error:
        file, _, problem = str(error).partition(": ")
        raise ConfigError(file, problem) from None
    if served.venue is not name:
        raise ConfigError(str(world), f"describes {served.venue}, not {name}")

    def ready(url: str) -> None:
        out.print(f"simulated {name} on {url}")
        for account in served.accounts:
            keys = served.accounts[account].credentials(account, name)
            prefix = f"NIJA_{account.upper().replace('-', '_')}"
            parts = {"API_KEY": keys.api_key, "API_SECRET": keys.api_secret, "API_PASSPHRASE": keys.passphrase}
            words = " ".join(f"{prefix}_{part}={shlex.quote(value)}" for part, value in parts.items() if value)
            out.print(f"export {words}", markup=False, soft_wrap=True)
        if name in READ_ONLY:
            out.print(f"export NIJA_{name.upper()}_URL={url}", markup=False, soft_wrap=True)
        err.print("Ctrl-C stops it", style="dim")

    try:
        asyncio.run(serve(served, port=port, state_path=state, faults=plan, on_ready=ready))
    except KeyboardInterrupt:
        note("stopped")
    except OSError as error:
        raise ConfigError(f"port {port}", f"cannot be used: {error.strerror}", "--port 0 takes any free one") from None
    return 0
