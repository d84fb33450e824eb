"""`nija alerts channels`: how people are told."""

import asyncio
import os
import re
import sys
from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from cli.alert_words import moment, sent_line
from cli.by_hand import operator
from cli.console import JsonOption, note, out, print_json
from models.alert import Severity
from models.alert_report import ChannelList, SentList, channel_report
from models.channel import KINDS, NAME, Message, QuietHours
from models.clock import SystemClock
from models.errors import ConfigError
from models.settings import load_settings, master_key_settings
from models.store.channels import channels, remove_channel
from models.store.engine import Store

app = typer.Typer(no_args_is_help=True, help="Say how alerts reach a person: Slack, e-mail, Telegram, webhooks, …")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the channel is called.")]
KindOption = Annotated[
    list[str] | None,
    typer.Option("--kind", help=f"Only alerts of this kind: {', '.join(KINDS)}; may be given more than once."),
]
_LONGEST = 8 * 1024


@app.command()
def add(  # noqa: PLR0917 - Typer reads the options off the signature
    name: NameArgument,
    url_stdin: Annotated[bool, typer.Option("--url-stdin", help="Read the address from stdin.")] = False,
    url_env: Annotated[
        str | None, typer.Option("--url-env", metavar="VAR", help="Read the address from this variable.")
    ] = None,
    severity: Annotated[Severity, typer.Option("--severity", help="The least that is told.")] = Severity.WARNING,
    kind: KindOption = None,
    quiet_from: Annotated[
        str | None, typer.Option("--quiet-from", metavar="HH:MM", help="From here on only what is critical.")
    ] = None,
    quiet_until: Annotated[
        str | None, typer.Option("--quiet-until", metavar="HH:MM", help="Then the rest comes in one message.")
    ] = None,
    timezone: Annotated[
        str, typer.Option("--timezone", metavar="ZONE", help="Whose clock these are by, as in Europe/Berlin.")
    ] = "UTC",
    tells_over: Annotated[
        bool, typer.Option("--tell-over/--no-tell-over", help="Tell, too, when a matter that was told is over.")
    ] = True,
) -> int:
    """Add a channel. Its address is asked for without being shown, or read; it is encrypted and never shown again.

    What stands already is told to it with the next delivery. `nija alerts channels test` tries it now.

    Example: echo "$SLACK_URL" | nija alerts channels add ops --url-stdin --quiet-from 22:00 --quiet-until 07:00
    """
    if not re.match(NAME, name):
        raise ConfigError(
            "NAME", f"{name!r} is no name of a channel", "lower-case letters, digits, - and _, 31 at most"
        )
    kinds = _kinds(kind)
    quiet = _quiet(quiet_from, quiet_until, timezone)
    from tasks.channels import NewChannel, add_channel  # noqa: PLC0415 - what --help need not pay

    settings = load_settings()
    new = NewChannel(name, _address(stdin=url_stdin, variable=url_env), severity, kinds, quiet, tells_over)

    async def run() -> bool:
        places = master_key_settings(settings.home)
        async with await Store.open(settings.store_url) as store:
            return await add_channel(store, places, SystemClock(), new, by=operator())

    made_master = asyncio.run(run())
    out.print(f"channel {name}: added; try it: nija alerts channels test {name}", markup=False, soft_wrap=True)
    if made_master:
        note(
            f"a new master key was made: {master_key_settings(settings.home).file}. Back it up, apart from the store: "
            "without it the addresses cannot be opened"
        )
    return 0


@app.command("list")
def list_channels(as_json: JsonOption = False) -> int:
    """List the channels: what each is told, when it is quiet, and whether it works. Shows no address.

    Example: nija alerts channels list --json
    """

    async def run() -> ChannelList:
        async with await Store.open(load_settings().store_url) as store:
            return ChannelList(channels=[channel_report(one) for one in await channels(store)])

    found = asyncio.run(run())
    if as_json:
        print_json(found)
        return 0
    if not found.channels:
        out.print("there is no channel: alerts reach nobody")
        return 0
    table = Table("name", "address", "from", "kinds", "quiet", "tells over", "last sent (UTC)", "failures")
    for one in found.channels:
        failures = f"{one.failures} ({one.last_reason})" if one.failures else ""
        kinds = "all" if set(one.kinds) == set(KINDS) else " ".join(one.kinds)
        over = "yes" if one.tells_over else "no"
        cells = (one.address, one.severity, kinds, one.quiet or "", over, moment(one.last_sent_at), failures)
        table.add_row(one.name, *map(Text, cells))
    out.print(table)
    return 0


@app.command("test")
def try_channel(name: NameArgument, as_json: JsonOption = False) -> int:
    """Send a sample to a channel now, quiet hours or not. Exit 0: it took it. 3: it did not.

    Example: nija alerts channels test ops
    """
    sample = Message("Nija: a test", "This is a test of the channel. Nothing happened.", Severity.INFO)
    report = asyncio.run(send_sample(sample, [name]))
    if as_json:
        print_json(report)
    for one in report.sent if not as_json else ():
        out.print(sent_line(one), markup=False)
    return report.exit_code


@app.command()
def remove(name: NameArgument, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> int:
    """Remove a channel, with what was not sent to it yet.

    Example: nija alerts channels remove ops
    """
    if not yes and not sys.stdin.isatty():
        raise ConfigError("nija alerts channels remove", "asks before it acts, and there is no terminal", "--yes")
    if not yes and not typer.confirm(f"Remove the channel {name}?", default=False, err=True):
        note("nothing was changed")
        return 1

    async def run() -> tuple[int | None, str]:
        async with await Store.open(load_settings().store_url) as store:
            known = ", ".join(one.name for one in await channels(store))
            return await remove_channel(store, name, now=SystemClock().now()), known

    waiting, known = asyncio.run(run())
    if waiting is None:
        raise _no_channel(name, known)
    unsent = f"; {waiting} messages were not sent yet and are dropped" if waiting else ""
    out.print(f"channel {name}: removed{unsent}", markup=False, soft_wrap=True)
    return 0


async def send_sample(message: Message, names: list[str]) -> SentList:
    """Send a message to channels, past the outbox. Raises: ConfigError for an unknown one, StoreError."""
    from flows.user_alerts import send_sample as send  # noqa: PLC0415 - what --help need not pay

    settings = load_settings()
    async with await Store.open(settings.store_url) as store:
        return await send(store, master_key_settings(settings.home), message, names)


def _address(*, stdin: bool, variable: str | None) -> SecretStr:
    """Read the address from where it was said to be. Raises: ConfigError, without the address."""
    if stdin and variable is not None:
        raise ConfigError("--url-env", "stdin has the address, too", "one of the two")
    if stdin:
        text = sys.stdin.read(_LONGEST)
    elif variable is not None:
        text = os.environ.get(variable, "")  # which variable it is, is said on the command line alone
    elif sys.stdin.isatty():
        text = str(typer.prompt("Address (an Apprise URL)", hide_input=True, err=True, default="", show_default=False))
    else:
        raise ConfigError("nija alerts channels add", "asks for the address", "--url-stdin, or --url-env VAR")
    if not text.strip() or len(text.split()) != 1:
        raise ConfigError("the channel's URL", "is empty, or more than one", "one Apprise URL; see docs/alerts.md")
    return SecretStr(text.strip())


def _kinds(given: list[str] | None) -> frozenset[str]:
    unknown = [kind for kind in given or () if kind not in KINDS]
    if unknown:
        raise ConfigError("--kind", f"{unknown[0]!r} is no kind of alert", ", ".join(KINDS))
    return frozenset(given or KINDS)


def _quiet(start: str | None, end: str | None, zone: str) -> QuietHours | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise ConfigError("--quiet-from, --quiet-until", "one of them is missing", "both")
    hours = [_hour(option, text) for option, text in (("--quiet-from", start), ("--quiet-until", end))]
    if hours[0] == hours[1]:
        raise ConfigError("--quiet-until", "is when they begin, too", "another time, or no quiet hours")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError("--timezone", f"{zone!r} is not known here", "as in Europe/Berlin, UTC") from None
    return QuietHours(hours[0], hours[1], zone)


def _hour(option: str, text: str) -> time:
    try:
        hour = time.fromisoformat(text)
    except ValueError:
        raise ConfigError(option, f"{text!r} is no time of day", "HH:MM") from None
    if hour.tzinfo is not None or hour.second or hour.microsecond:
        raise ConfigError(option, f"{text!r} is no time of day", "HH:MM")
    return hour


def _no_channel(name: str, known: str) -> ConfigError:
    return ConfigError("NAME", f"there is no channel {name!r}", known or "none was added yet")
