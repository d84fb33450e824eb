"""The accounts' API keys: a card each, by venue. Keys go in here, and never come out again."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from fastapi import Request
from nicegui import ui
from pydantic import SecretStr, ValidationError

from desk.actions import keys as actions
from desk.actions.keys import NewKeys
from desk.desk import Desk
from desk.listing import Tone, in_words
from desk.pages.live import PATIENCE, follow
from desk.pages.parts import Empty, ask, button, facts, heading, notice, panel, tag, text
from desk.pages.shell import done, shell
from desk.views import keys as views
from desk.views.keys import KeyCard, KeyTest
from models.errors import ConfigError, NijaError
from models.people import Role, Who
from models.reasons import Verdict
from tasks.credentials import KeySource

_TONES = {Verdict.OK: Tone.GOOD, Verdict.WARN: Tone.WARN, Verdict.FAIL: Tone.BAD, Verdict.SKIPPED: Tone.PLAIN}
_SOURCES = {
    KeySource.ENVIRONMENT: "environment",
    KeySource.VAULT: "stored, encrypted",
    KeySource.SIMULATED: "its simulated world",
    KeySource.NONE: "none",
}


@ui.page("/api_keys", response_timeout=PATIENCE)
async def keys_page(request: Request) -> None:
    """Show the keys of a desk."""
    lead = "Whose keys there are and what the venue says of them. A key that was saved is never shown again."
    with shell(request, "API keys", lead=lead) as (desk, who):
        page = _Keys(desk, who)
        await page.refresh()
        follow(desk, request, views.TOPICS, page.refresh)


class _Keys:
    """The page, as one person sees it."""

    def __init__(self, desk: Desk, who: Who) -> None:
        self._desk, self._who = desk, who
        self._shown: list[KeyCard] | None = None
        if who.role.reaches(Role.ADMIN):
            with ui.element("div").classes("buttons"):
                button("Rotate the master key", self._rotate)
                text("span", "Encrypts every stored key anew. The accounts' own keys stay as they are.", "muted")
        self._cards = ui.element("div").style("width: 100%; display: grid; gap: 1rem")

    async def refresh(self) -> None:
        """Show what the store knows now; what has not changed stays as it is."""
        cards = await views.key_cards(self._desk)
        if cards == self._shown:
            return
        self._shown = cards
        self._cards.clear()
        with self._cards:
            if not cards:
                Empty("The fleet file has no accounts.", "Keys belong to an account of it.").build()
            for venue, group in groupby(cards, key=lambda card: card.venue_name or "Not in the fleet file"):
                self._show_venue(venue, list(group))

    def _show_venue(self, venue: str, cards: Sequence[KeyCard]) -> None:
        with panel(venue) as head:
            with head:
                accepted = sum(card.test is not None and card.test.accepted is True for card in cards)
                text("span", f"{accepted} of {len(cards)} accepted by the venue", "muted")
            with ui.element("div").classes("panel-body cards"):
                for card in cards:
                    self._show_card(card)

    def _show_card(self, card: KeyCard) -> None:
        tone = _tone_of(card)
        with ui.element("article").classes(f"card {tone.value}").props(f'aria-label="Keys of {card.account}"'):
            with ui.element("div").classes("buttons"):
                heading(card.account, level=3)
                tag(_word_of(card), tone)
            if card.test is not None:
                text("p", card.test.reason, "complaint" if card.test.verdict is Verdict.FAIL else "muted")
            facts(_facts_of(card))
            self._show_buttons(card)

    def _show_buttons(self, card: KeyCard) -> None:
        is_admin, in_fleet = self._who.role.reaches(Role.ADMIN), card.venue is not None
        with ui.element("div").classes("buttons"):
            if in_fleet and card.source is not KeySource.NONE and self._who.role.reaches(Role.OPERATOR):
                button("Test", lambda: self._test(card), look="small").props(
                    f'aria-label="Test keys of {card.account}"'
                )
            if is_admin and in_fleet and card.source is not KeySource.SIMULATED:
                words = "Replace" if card.stored else "Add keys"
                add = button(words, lambda: self._add(card), look="small" if card.stored else "main small")
                add.props(f'aria-label="{words}: {card.account}"')
            if is_admin and card.stored:
                drop = button("Delete", lambda: self._delete(card), look="danger small")
                drop.props(f'aria-label="Delete keys of {card.account}"')

    async def _test(self, card: KeyCard) -> None:
        ui.notify(f"{card.account}: asking {card.venue_name}")

        async def test() -> None:
            report = await actions.try_keys(self._desk, self._who, card.account, None)
            _tell(card.account, report)

        await _tried(test())
        await self.refresh()

    async def _add(self, card: KeyCard) -> None:
        await _KeyForm(self._desk, self._who, card).asked()
        await self.refresh()

    async def _delete(self, card: KeyCard) -> None:
        words = "They are removed from the store, and no run can use them. Revoke them at the venue, too."
        if await ask(f"Delete the keys of {card.account}?", words, yes="Delete", look="danger"):
            await done(actions.delete_keys(self._desk, self._who, card.account), f"{card.account}: keys deleted")
            await self.refresh()

    async def _rotate(self) -> None:
        words = "A new master key is made. Back it up: a backup of the store from before needs the old one."
        if await ask("Rotate the master key?", words, yes="Rotate"):

            async def rotate() -> None:
                made = await actions.rotate_master_key(self._desk, self._who)
                ui.notify(f"{made.tokens} encrypted anew, with the key of {made.where}", type="positive")
                if made.locked:
                    ui.notify(f"no master key opens those of {', '.join(made.locked)}", type="negative", timeout=0)

            await _tried(rotate())
            await self.refresh()


class _KeyForm:
    """The form for new keys: test them, see what the venue says, save them."""

    def __init__(self, desk: Desk, who: Who, card: KeyCard) -> None:
        self._desk, self._who, self._card = desk, who, card
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("dialog").props('role="document"'):
            heading(f"Keys of {card.account} at {card.venue_name}")
            text("p", "Make a key that may read and trade, and may not withdraw.", "muted")
            self._key = _secret("API key")
            self._secret = ui.textarea("API secret").props(
                'outlined dense rows=2 autocomplete="off" spellcheck="false"'
            )
            self._secret.props('input-class="concealed"').style("width: 100%")
            self._passphrase = _secret("API passphrase")
            self._passphrase.set_visibility(card.needs_passphrase)
            self._result = ui.element("div").style("width: 100%").props('role="status" aria-live="polite"')
            with ui.element("div").classes("buttons"):
                self._try = button("Test connection", self._test)
                button("Save", self._save, look="main")
                button("Cancel", lambda: self._dialog.submit(None))

    async def asked(self) -> None:
        """Show the form until keys are saved, or it is given up."""
        try:
            await self._dialog
        finally:
            for field in (self._key, self._secret, self._passphrase):
                field.value = ""
            self._dialog.delete()

    def _given(self) -> NewKeys:
        """Return what was typed. Raises: ConfigError; nothing of it stands in it."""
        passphrase = str(self._passphrase.value or "")
        fields: dict[str, Any] = {"api_key": str(self._key.value or ""), "api_secret": str(self._secret.value or "")}
        try:
            return NewKeys(**fields, api_passphrase=SecretStr(passphrase) if passphrase else None)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise ConfigError(str(first["loc"][0]).replace("_", " "), str(first["msg"])) from None

    async def _test(self) -> None:
        self._say("Asking the venue", Tone.INFO)

        async def test() -> None:
            report = await actions.try_keys(self._desk, self._who, self._card.account, self._given())
            self._show(report)

        await self._or_say(test())

    async def _save(self) -> None:
        self._say("Asking the venue", Tone.INFO)

        async def save() -> None:
            how = {"untested": False, "replace": self._card.stored}
            saved = await actions.save_keys(self._desk, self._who, self._card.account, self._given(), **how)
            ui.notify(f"{saved.account}: keys saved, fingerprint {saved.fingerprint}", type="positive")
            if saved.made_master_key:
                words = f"A new master key was made: {saved.made_master_key}. Back it up, apart from the store."
                ui.notify(words, type="warning", timeout=0, close_button="Close")
            self._dialog.submit(None)

        await self._or_say(save())

    async def _or_say(self, act: Any) -> None:
        try:
            await act
        except NijaError as error:
            self._say(str(error), Tone.BAD)

    def _show(self, report: KeyTest) -> None:
        words = report.reason + (f". {report.permissions}" if report.permissions else "")
        self._say(("Accepted: " if report.accepted else "") + words, _TONES[report.verdict])

    def _say(self, words: str, tone: Tone) -> None:
        self._result.clear()
        with self._result:
            notice(words, tone).classes("key-result")


def _secret(label: str) -> ui.input:
    field = ui.input(label, password=True).props('outlined dense autocomplete="off" spellcheck="false"')
    return field.style("width: 100%")


async def _tried(act: Any) -> None:
    try:
        await act
    except NijaError as error:
        ui.notify(f"{error} ({error.code})", type="negative", multi_line=True, close_button="Close", timeout=0)


def _tell(account: str, report: KeyTest) -> None:
    kind = "positive" if report.verdict is Verdict.OK else "warning" if report.verdict is Verdict.WARN else "negative"
    ui.notify(f"{account}: {report.reason}", type=kind, multi_line=True)  # type: ignore[arg-type]  # one of its words


def _tone_of(card: KeyCard) -> Tone:
    if card.problem is not None or card.source is KeySource.NONE:
        return Tone.WARN
    return Tone.PLAIN if card.test is None else _TONES[card.test.verdict]


def _word_of(card: KeyCard) -> str:
    if card.source is KeySource.NONE and card.venue is not None:
        return "no keys"
    if card.test is None:
        return "not tested"
    return {True: "accepted", False: "refused", None: "venue not reached"}[card.test.accepted]


def _facts_of(card: KeyCard) -> list[tuple[str, str]]:
    tested = "" if card.test is None else f"{in_words(card.test.at)} UTC"
    stored = "" if card.added_at is None else f"{in_words(card.added_at)} UTC by {card.added_by}"
    return [
        ("Keys from", _SOURCES[card.source]),
        ("Fingerprint", card.fingerprint or ""),
        ("May", "" if card.test is None else card.test.permissions),
        ("Tested", tested),
        ("Stored", stored),
        ("Note", card.problem or ""),
    ]
