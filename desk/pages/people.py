"""Who may use the desk, what programs may, and what was done: for admins. And one's own password, for everybody."""

from fastapi import Request
from nicegui import ui

from desk.actions import people as actions
from desk.desk import Desk
from desk.listing import Tone
from desk.pages.live import PATIENCE, follow
from desk.pages.parts import Empty, ask, button, heading, notice, panel, text
from desk.pages.shell import done, shell
from desk.pages.table import RowAction, Table
from desk.people.passwords import Passwords
from desk.views import people as views
from desk.views.people import AuditView
from desk.views.people_listings import AUDIT, PEOPLE, TOKENS
from models.errors import ConfigError, NijaError
from models.people import LEAST_PASSWORD, Permit, Role, Who
from models.people_report import PersonLine, TokenLine

_MOST_LINES = 1000
_DAYS = {30: "30 days", 90: "90 days", 365: "1 year", 0: "until it is revoked"}
_PERMITS = {
    Permit.READ: "read: what a viewer sees",
    Permit.ENTRY_CHECK: "entry-check: ask before a trade",
    Permit.ACT: "act: what an operator does",
}


@ui.page("/people", response_timeout=PATIENCE)
async def people_page(request: Request) -> None:
    """Show people and tokens to an admin."""
    with shell(request, "People", lead="Who may use this desk, and which programs.") as (desk, who):
        if not _is_admin(who):
            return
        page = _People(desk, who)
        await page.refresh()
        follow(desk, request, views.TOPICS, page.refresh)


@ui.page("/audit", response_timeout=PATIENCE)
async def audit_page(request: Request) -> None:
    """Show the audit log to an admin."""
    with shell(request, "Audit log", lead="Who did what, when, and what it changed.") as (desk, who):
        if not _is_admin(who):
            return
        with panel("Newest first"):
            table = Table[AuditView](
                AUDIT,
                label="Audit log",
                empty=Empty("Nobody has done anything yet."),
                export="/api/audit/export",
                sort="at",
                descending=True,
                rows_on_a_page=50,
            )

        async def refresh() -> None:
            table.show(await views.audit_view(desk, limit=_MOST_LINES))

        await refresh()
        follow(desk, request, ("desk_audit",), refresh)


@ui.page("/me")
async def me_page(request: Request) -> None:
    """Let somebody change their own password."""
    with shell(request, "Your password", lead="When it is changed, you log in again everywhere.") as (desk, who):
        passwords = Passwords()
        with panel("Change it"), ui.element("div").classes("panel-body").style("max-width: 26rem"):
            fields = [_password(label) for label in ("Old password", "New password", "The same again")]
            complaint = text("p", "", "complaint").props('role="alert"')

            async def change() -> None:
                old, new, again = (str(field.value or "") for field in fields)
                try:
                    if new != again:
                        raise ConfigError("password", "the two are not the same")
                    await actions.change_password(desk, passwords, who, old, new)
                except NijaError as error:
                    complaint.set_text(str(error))
                else:
                    ui.navigate.to("/login")

            text("p", f"At least {LEAST_PASSWORD} characters.", "muted")
            with ui.element("div").classes("buttons"):
                button("Change password", change, look="main")


class _People:
    """The page, as an admin sees it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._names: list[str] = []
        with panel("People") as head:
            with head:
                ui.element("span").classes("grow")
                button("Add a person", self._add, look="main small")
            acts = (
                RowAction[PersonLine]("role", "Role", self._role),
                RowAction[PersonLine]("link", "New link", self._link),
                RowAction[PersonLine]("remove", "Remove", self._remove, tone="danger"),
            )
            self._people = Table[PersonLine](PEOPLE, label="People", empty=Empty("Nobody."), actions=acts)
        with panel("Tokens") as head:
            with head:
                ui.element("span").classes("grow")
                button("Make a token", self._make_token, look="main small")
            revoke = RowAction[TokenLine](
                "revoke", "Revoke", self._revoke, lambda one: one.revoked_at is None, "danger"
            )
            self._tokens = Table[TokenLine](
                TOKENS,
                label="Tokens",
                empty=Empty("No program has a token.", "A trading bot needs one that may entry-check."),
                actions=(revoke,),
            )

    async def refresh(self) -> None:
        """Show what the store knows now."""
        people = await views.people_view(self._desk)
        self._names = [one.name for one in people]
        self._people.show(people)
        self._tokens.show(await views.tokens_view(self._desk))

    async def _add(self) -> None:
        with ui.dialog() as dialog, ui.card().classes("dialog").props('role="document"'):
            heading("Add a person")
            with ui.element("div").classes("form"):
                name = ui.input("Name").props('outlined dense autofocus autocapitalize="none"')
                role = ui.select([one.value for one in Role], value=Role.VIEWER.value, label="Role")
                role.props("outlined dense options-dense")
            with ui.element("div").classes("buttons"):
                button("Add", lambda: dialog.submit((name.value, role.value)), look="main")
                button("Cancel", lambda: dialog.submit(None))
        given = await dialog
        dialog.delete()
        if given:
            await self._with_link(str(given[0] or "").strip().lower(), Role(given[1]))

    async def _with_link(self, name: str, role: Role | None) -> None:
        async def act() -> None:
            if role is None:
                made = actions.link_for(self._desk, self._who, name)
            else:
                made = actions.add_person(self._desk, self._who, name, role)
            link = _link_of(self._desk, (await made).link)
            await _show_once(f"A link for {name}", "It sets their password, once, within an hour.", link)

        await done(act(), f"{name}: may set a password by the link")
        await self.refresh()

    async def _link(self, person: PersonLine) -> None:
        await self._with_link(person.name, None)

    async def _role(self, person: PersonLine) -> None:
        with ui.dialog() as dialog, ui.card().classes("dialog").props('role="document"'):
            heading(f"The role of {person.name}")
            role = ui.radio([one.value for one in Role], value=person.role.value)
            text("p", "Their sessions end: they log in again.", "muted")
            with ui.element("div").classes("buttons"):
                button("Change", lambda: dialog.submit(role.value), look="main")
                button("Cancel", lambda: dialog.submit(None))
        given = await dialog
        dialog.delete()
        if given:
            act = actions.change_role(self._desk, self._who, person.name, Role(given))
            await done(act, f"{person.name}: {given}")
            await self.refresh()

    async def _remove(self, person: PersonLine) -> None:
        words = "Their sessions end, and their tokens open nothing any more. What they did stays in the log."
        if await ask(f"Remove {person.name}?", words, yes="Remove", look="danger"):
            await done(actions.remove_person(self._desk, self._who, person.name), f"{person.name}: removed")
            await self.refresh()

    async def _make_token(self) -> None:
        with ui.dialog() as dialog, ui.card().classes("dialog").props('role="document"'):
            heading("Make a token")
            with ui.element("div").classes("form"):
                name = ui.input("What it is for").props("outlined dense autofocus")
                person = ui.select(self._names, value=self._who.name, label="Whose").props(
                    "outlined dense options-dense"
                )
                days = ui.select(_DAYS, value=365, label="Good for").props("outlined dense options-dense")
            text("p", "It may never do more than its person may.", "muted")
            boxes = {permit: ui.checkbox(words).props("dense") for permit, words in _PERMITS.items()}

            def give() -> None:
                permits = {permit for permit, box in boxes.items() if box.value}
                wish = {"name": name.value or "", "person": person.value, "days": days.value or None}
                dialog.submit(wish | {"permits": permits})

            with ui.element("div").classes("buttons"):
                button("Make it", give, look="main")
                button("Cancel", lambda: dialog.submit(None))
        given = await dialog
        dialog.delete()
        if given:

            async def act() -> None:
                made = await actions.make_token(self._desk, self._who, **given)
                await _show_once(f"Token {made.token_id}", "Copy it now: nobody can show it again.", made.token)

            await done(act(), f"{given['name']}: token made")
            await self.refresh()

    async def _revoke(self, one: TokenLine) -> None:
        if await ask(
            f"Revoke {one.name}?", "The program that uses it is refused from now on.", yes="Revoke", look="danger"
        ):
            await done(actions.revoke(self._desk, self._who, one.token_id), f"{one.name}: revoked")
            await self.refresh()


async def _show_once(title: str, words: str, secret: str) -> None:
    with ui.dialog().props("persistent") as dialog, ui.card().classes("dialog").props('role="document"'):
        heading(title)
        text("p", words)
        text("code", secret, "once").style("overflow-wrap: anywhere; user-select: all")
        with ui.element("div").classes("buttons"):
            button("I have it", lambda: dialog.submit(None), look="main")
    await dialog
    dialog.delete()


def _link_of(desk: Desk, link: str) -> str:
    outside = "" if desk.served.url is None else str(desk.served.url).rstrip("/")
    return f"{outside or f'http://{desk.served.host}:{desk.served.port}'}/welcome#{link}"


def _password(label: str) -> ui.input:
    return ui.input(label, password=True).props("outlined dense").style("width: 100%")


def _is_admin(who: Who) -> bool:
    if not who.role.reaches(Role.ADMIN):
        notice("This page takes the role admin.", Tone.WARN)
    return who.role.reaches(Role.ADMIN)
