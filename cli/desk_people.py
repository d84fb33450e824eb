"""`nija desk people` and `nija desk tokens`: who may use the desk, from the terminal of its machine."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from cli.by_hand import operator
from cli.console import JsonOption, note, out, print_json
from cli.desk_address import address_of
from models.clock import SystemClock
from models.errors import ConfigError, NotFound
from models.people import PERSON, Permit, Role, Via, Who
from models.people_report import PeopleList, PersonLine, TokenLine, TokenList
from models.settings import load_desk_settings, load_settings
from models.store import people as kept
from models.store.engine import Store
from models.store.tokens import add_token, revoke_token
from models.store.tokens import tokens as kept_tokens

T = TypeVar("T")

people = typer.Typer(no_args_is_help=True, help="Say who may log in to the desk, and as what.")
tokens = typer.Typer(no_args_is_help=True, help="Give programs tokens for the desk's API, and take them back.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]
RoleOption = Annotated[Role, typer.Option("--role", help="What they may do; each may do what those before it may.")]
DEFAULT_DAYS = 365


@people.command("add")
def add_person(name: NameArgument, role: RoleOption = Role.VIEWER) -> int:
    """Let somebody log in; the link that is printed sets their password, once, within an hour.

    Example: nija desk people add ops --role operator
    """
    if not PERSON.fullmatch(name):
        raise ConfigError("NAME", f"{name!r} is no name", "up to 40 of a-z, 0-9, dot, dash and underscore")

    async def act(store: Store) -> str:
        await kept.add_person(store, name, role, by=_who(), now=SystemClock().now())
        return await _link(store, name)

    _tell_link(name, _in_store(act))
    return 0


@people.command("list")
def list_people(as_json: JsonOption = False) -> int:
    """List who may log in.

    Example: nija desk people list
    """
    found = PeopleList(people=[PersonLine.of(one) for one in _in_store(kept.people)])
    if as_json:
        print_json(found)
        return 0
    table = Table("name", "role", "password", "last login (UTC)", "added (UTC)", "by")
    for one in found.people:
        seen = "never" if one.last_seen_at is None else f"{one.last_seen_at:%Y-%m-%d %H:%M}"
        password = "set" if one.has_password else "not yet: needs a link"
        table.add_row(one.name, one.role, password, seen, f"{one.created_at:%Y-%m-%d %H:%M}", one.created_by)
    out.print(table if found.people else "nobody may log in yet: nija desk")
    return 0


@people.command("role")
def change_role(name: NameArgument, role: Annotated[Role, typer.Argument(help="The new role.")]) -> int:
    """Give somebody another role; they log in again.

    Example: nija desk people role ops admin
    """
    _in_store(lambda store: kept.change_role(store, name, role, by=_who(), now=SystemClock().now()))
    out.print(f"{name}: {role}", markup=False)
    return 0


@people.command("link")
def link(name: NameArgument) -> int:
    """Print a link by which somebody sets a new password, once, within an hour.

    Example: nija desk people link admin
    """
    _tell_link(name, _in_store(lambda store: _link(store, name)))
    return 0


@people.command("remove")
def remove_person(name: NameArgument) -> int:
    """Remove somebody: their sessions end, and their tokens open nothing any more.

    Example: nija desk people remove ops
    """
    _in_store(lambda store: kept.remove_person(store, name, by=_who(), now=SystemClock().now()))
    out.print(f"{name}: removed", markup=False)
    return 0


@tokens.command("add")
def make_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Whose it is: it may do no more than they.")],
    permit: Annotated[list[Permit], typer.Option("--permit", help="What it may do; may be given more than once.")],
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How long it is good.")] = DEFAULT_DAYS,
) -> int:
    """Make a token for a program. It is printed this once, and kept as a hash.

    Example: nija desk tokens add bot --person admin --permit entry-check
    """
    from desk.people.secrets import hashed, new_token  # noqa: PLC0415 - as in `cli.desk_link`

    token, now = new_token(), SystemClock().now()

    async def act(store: Store) -> int:
        if await kept.person_named(store, person) is None:
            raise NotFound("person", person)
        expires_at = now + timedelta(days=days)
        made = {"name": name, "person": person, "permits": set(permit), "expires_at": expires_at}
        return await add_token(store, hashed(token), **made, by=_who(), now=now)  # type: ignore[arg-type]

    number = _in_store(act)
    note(f"token {number} of {person}, good for {days} days; nobody can show it again:")
    typer.echo(token)
    return 0


@tokens.command("list")
def list_tokens(as_json: JsonOption = False) -> int:
    """List the tokens; the tokens themselves nobody knows.

    Example: nija desk tokens list
    """
    found = TokenList(tokens=[TokenLine.of(one) for one in _in_store(kept_tokens)])
    if as_json:
        print_json(found)
        return 0
    table = Table("id", "name", "of", "may", "last used (UTC)", "good until (UTC)", "state")
    for one in found.tokens:
        used = "never" if one.last_used_at is None else f"{one.last_used_at:%Y-%m-%d %H:%M}"
        until = "" if one.expires_at is None else f"{one.expires_at:%Y-%m-%d}"
        state = "good" if one.revoked_at is None else "revoked"
        table.add_row(str(one.token_id), one.name, one.person, ", ".join(one.permits), used, until, state)
    out.print(table if found.tokens else "no program has a token: nija desk tokens add")
    return 0


@tokens.command("revoke")
def revoke(token_id: Annotated[int, typer.Argument(metavar="ID", help="The token's id.")]) -> int:
    """Let a token open nothing from now on.

    Example: nija desk tokens revoke 3
    """
    _in_store(lambda store: revoke_token(store, token_id, by=_who(), now=SystemClock().now()))
    out.print(f"token {token_id}: revoked", markup=False)
    return 0


async def _link(store: Store, name: str) -> str:
    from desk.people.links import new_link  # noqa: PLC0415 - as in `cli.desk_link`

    return await new_link(store, name, by=_who(), now=SystemClock().now())


def _tell_link(name: str, link: str) -> None:
    note(f"this link sets the password of {name}, works once, and is good for an hour:")
    typer.echo(f"{address_of(load_desk_settings())}/welcome#{link}")


def _who() -> Who:
    return Who(operator(), Role.ADMIN, Via.TERMINAL)  # who types here owns the store's file


def _in_store(act: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        async with await Store.open(load_settings().store_url) as store:
            return await act(store)

    return asyncio.run(run())
