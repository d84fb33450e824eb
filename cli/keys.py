"""`nija keys`: the accounts' API keys, encrypted in the store."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.by_hand import operator
from cli.console import AccountsOption, FleetOption, JsonOption, complain, note, out, print_json
from cli.fleet_file import told
from cli.key_input import DOCUMENT, ask_for_keys, read_keys
from models.clock import SystemClock
from models.errors import ChannelLocked, ConfigError, VaultLocked
from models.fleet import Account, load_fleet
from models.master_key import Place
from models.settings import (
    MasterKeySettings,
    Settings,
    credentials_from,
    load_settings,
    master_key_settings,
    policy_defaults,
)
from models.store.engine import Store
from models.store.keys import keys_of, remove_keys, stored_keys
from tasks.list_keys import KeyList, list_keys
from tasks.vault import Kept, Rotated, keep, rotate

app = typer.Typer(no_args_is_help=True, help="Keep the accounts' API keys, encrypted in the store.")

AccountArgument = Annotated[str, typer.Option("--account", metavar="ID", help="The account.")]
_NOT_DONE = 1
_HOW_TO_MAKE_ONE = "openssl rand -base64 32 | tr '+/' '-_'"


@app.command()
def add(
    account: AccountArgument,
    fleet: FleetOption = None,
    stdin: Annotated[bool, typer.Option("--stdin", help=f"Read one JSON document from stdin: {DOCUMENT}.")] = False,
    secret_file: Annotated[
        Path | None,
        typer.Option("--secret-file", metavar="PATH", help="Read the API secret from this file, as a PEM file."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite keys that are there already.")] = False,
) -> int:
    """Store an account's keys. They are asked for without being shown, and are never part of the command line.

    The first keys make the master key they are encrypted with, unless NIJA_MASTER_KEY, a file or the keyring has one.

    Example: nija keys add --account alice
    """
    settings, chosen = _chosen(account, fleet)
    from brokers.venues import capabilities_of  # noqa: PLC0415 - ccxt takes a second that a wrong account need not pay

    places = master_key_settings(settings.home)
    is_there = asyncio.run(_has_keys(settings, chosen.id))
    if is_there and not replace:
        if stdin or not sys.stdin.isatty():
            raise ConfigError("--account", f"{chosen.id!r} has keys already", "--replace, to overwrite them")
        if not typer.confirm(f"{chosen.id} has keys already. Overwrite them?", default=False, err=True):
            note("nothing was changed")
            return _NOT_DONE
    needs_passphrase = capabilities_of(chosen.venue).needs_passphrase
    read = read_keys if stdin else ask_for_keys
    credentials = read(needs_passphrase=needs_passphrase, secret_file=secret_file)

    async def run() -> Kept:
        async with await Store.open(settings.store_url) as store:
            return await keep(
                store, places, SystemClock(), chosen.id, credentials, by=operator(), replace=replace or is_there
            )

    _tell_kept(chosen, asyncio.run(run()), places)
    return 0


@app.command("list")
def list_command(fleet: FleetOption = None, as_json: JsonOption = False) -> int:
    """List whose keys there are, and where a run would take each account's from. Shows no key.

    Example: nija keys list --json
    """
    settings = load_settings()
    loaded = told(load_fleet(fleet or settings.fleet, policy_defaults()))

    async def run() -> KeyList:
        async with await Store.open(settings.store_url) as store:
            return await list_keys(store, master_key_settings(settings.home), loaded)

    found = asyncio.run(run())
    if as_json:
        print_json(found)
        return 0
    table = Table("account", "venue", "keys from", "fingerprint", "stored (UTC)", "by", "note")
    for line in found.accounts:
        at = "" if line.added_at is None else f"{line.added_at:%Y-%m-%d %H:%M:%S}"
        cells = (line.venue, line.source, line.fingerprint, at, line.added_by, line.problem)
        table.add_row(line.account, *(cell or "" for cell in cells))
    out.print(table)
    return 0


@app.command("test")
def try_keys(fleet: FleetOption = None, account: AccountsOption = None, as_json: JsonOption = False) -> int:
    """Try the keys at the venues, as nija doctor does: are they accepted, what may they do. Nothing is touched.

    Exit 0: nothing worse than a warning. 1: a check failed, or it could not run.

    Example: nija keys test --account alice
    """
    from cli.doctor import show_examination  # noqa: PLC0415 - ccxt takes a second that --help need not pay
    from flows.doctor import examine_fleet  # noqa: PLC0415
    from tasks.runtime import open_runtime, read_fleet  # noqa: PLC0415

    settings = load_settings()
    loaded = told(read_fleet(settings, fleet))
    chosen = loaded.choose(account or [])

    async def run() -> int:
        async with open_runtime(settings, loaded) as runtime:
            report = await examine_fleet(runtime, chosen)
        (print_json if as_json else show_examination)(report)
        return _NOT_DONE if report.exit_code else 0

    return asyncio.run(run())


@app.command()
def remove(
    account: AccountArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Remove an account's keys from the store, also of one that left the fleet. At the venue they stay valid.

    Example: nija keys remove --account alice
    """
    if not yes and not sys.stdin.isatty():
        raise ConfigError("nija keys remove", "asks before it acts, and there is no terminal to ask on", "--yes")
    settings = load_settings()
    known = asyncio.run(_accounts_with_keys(settings))
    if account not in known:
        raise ConfigError("--account", f"no keys of {account!r} are stored", ", ".join(known) or "none are stored")
    if not yes and not typer.confirm(f"Remove the keys of {account}?", default=False, err=True):
        note("nothing was changed")
        return _NOT_DONE

    async def run() -> None:
        async with await Store.open(settings.store_url) as store:
            await remove_keys(store, account)

    asyncio.run(run())
    out.print(f"{account}: keys removed from the store; revoke them at the venue, too", markup=False, soft_wrap=True)
    return 0


@app.command("rotate")
def rotate_command() -> int:
    """Encrypt all stored keys with a new master key, and drop the old one. The accounts' own keys stay as they are.

    With NIJA_MASTER_KEY=NEW,OLD it encrypts them with the first of these. Killed half way: run it again.

    Example: nija keys rotate
    """
    settings = load_settings()

    async def run() -> Rotated:
        async with await Store.open(settings.store_url) as store:
            return await rotate(store, master_key_settings(settings.home), SystemClock())

    done = asyncio.run(run())
    _tell_rotated(done)
    for account in done.locked:
        fault = VaultLocked(account, f"not encrypted with any key of {done.master.where}, where the old ones are kept")
        complain(fault.code, str(fault))
    for channel in done.locked_channels:
        locked = ChannelLocked(channel, f"not encrypted with any key of {done.master.where}")
        complain(locked.code, str(locked))
    return _NOT_DONE if done.locked or done.locked_channels else 0


def _tell_kept(account: Account, kept: Kept, places: MasterKeySettings) -> None:
    out.print(f"{account.id}: keys stored, fingerprint {kept.fingerprint}", markup=False, soft_wrap=True)
    if kept.made_master:
        note(
            f"a new master key was made: {places.file}. Back it up, apart from the store: "
            "without it the stored keys cannot be opened"
        )
    for other in kept.locked:
        note(f"warning: {VaultLocked(other, f'not encrypted with the master key of {kept.master.where}')}")
    if account.simulated is not None:
        note(f"{account.id} is simulated: a run takes its keys from its world")
        return
    try:
        is_given = credentials_from(account.env_name) is not None
    except ConfigError as error:
        note(f"warning: a run will not use them: {error}")
    else:
        if is_given:
            note(f"a run uses the environment's NIJA_{account.env_name}_API_KEY while it is set, not the stored keys")


def _tell_rotated(done: Rotated) -> None:
    where, extra = done.master.where, len(done.master.keys) - 1
    out.print(f"{done.tokens} tokens encrypted anew, with the newest key of {where}", markup=False, soft_wrap=True)
    if done.locked or done.locked_channels:
        return
    if done.master.place is not Place.ENVIRONMENT:
        note("back the new master key up; a backup of the store from before needs the old one")
    elif extra:
        note(f"now take the other {extra} out of NIJA_MASTER_KEY wherever it is set, and back up the first")
    else:
        note(
            f"to rotate it, set NIJA_MASTER_KEY=NEW,OLD wherever it is set and run this again; NEW: {_HOW_TO_MAKE_ONE}"
        )


def _chosen(account: str, fleet: Path | None) -> tuple[Settings, Account]:
    settings = load_settings()
    loaded = told(load_fleet(fleet or settings.fleet, policy_defaults()))
    (chosen,) = loaded.choose([account])
    from brokers.venues import check_venues  # noqa: PLC0415 - ccxt takes a second that a wrong account need not pay

    check_venues(loaded)
    return settings, chosen


async def _has_keys(settings: Settings, account: str) -> bool:
    async with await Store.open(settings.store_url) as store:
        return await keys_of(store, account) is not None


async def _accounts_with_keys(settings: Settings) -> list[str]:
    async with await Store.open(settings.store_url) as store:
        return list(await stored_keys(store))
