"""What pages are put together from: panels, figures, tags, buttons, dialogs, and what an empty place says."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from desk.listing import Tone

Act = Callable[[], Awaitable[Any] | Any]
_YES = "yes"


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands where there is nothing yet: what that means, and what to do next. `command`: what to type for it."""

    means: str
    next_step: str = ""
    command: str = ""

    def build(self) -> None:
        """Write it into the page."""
        text("strong", self.means)
        if self.next_step:
            text("span", self.next_step)
        if self.command:
            text("code", self.command)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name. `sub`: what it is measured against."""

    name: str
    value: str
    sub: str = ""
    tone: Tone = Tone.PLAIN


@contextmanager
def panel(title: str, *, level: int = 2) -> Iterator[ui.element]:
    """Frame a part of a page under its heading; yield the heading's row, for what else stands in it."""
    with ui.element("section").classes("panel").props(f'aria-label="{title}"'):
        with ui.element("div").classes("panel-head") as head:
            heading(title, level=level)
        yield head


def text(tag: str, words: str, classes: str = "") -> TextElement:
    """Write words in an element of their own."""
    return TextElement(tag=tag, text=words).classes(classes)


def heading(words: str, *, level: int = 2) -> TextElement:
    """Write a heading."""
    return text(f"h{level}", words)


def figures(found: Sequence[Figure]) -> None:
    """Show numbers side by side."""
    with ui.element("div").classes("figures"):
        for one in found:
            with ui.element("dl").classes(f"figure {one.tone.value}").style("margin:0"):
                text("dt", one.name)
                text("dd", one.value)
                if one.sub:
                    text("dd", one.sub, "sub")


def facts(found: Sequence[tuple[str, str]]) -> None:
    """Show names with what they are, one a line; what is empty is left out."""
    with ui.element("dl").classes("facts"):
        for name, value in found:
            if value:
                text("dt", name)
                text("dd", value)


def tag(word: str, tone: Tone = Tone.PLAIN) -> TextElement:
    """Show a word that stands for a state."""
    return text("span", word, f"tag {tone.value}")


def button(words: str, act: Act | None = None, *, look: str = "", icon: str | None = None) -> ui.button:
    """Make a button. `look`: "main" for what the page is for, "danger" for what cannot be undone, "bare", "small"."""
    return ui.button(words, on_click=act, color=None, icon=icon).props("flat no-caps dense").classes(f"btn {look}")


def notice(words: str, tone: Tone = Tone.INFO) -> ui.element:
    """Say something that the whole page is to be read with."""
    with ui.element("div").classes(f"notice {tone.value}").props('role="status"') as element:
        text("span", words)
    return element


@contextmanager
def dialog_named(name: str) -> Iterator[ui.dialog]:
    """Build a dialog whose name is told to who does not see it."""
    with ui.dialog() as dialog, ui.card().classes("dialog").props('role="document"'):
        dialog.props["aria-label"] = name
        yield dialog


async def ask(question: str, words: str, *, yes: str, look: str = "main") -> bool:
    """Ask before something is done that cannot be undone; return whether it was wanted."""
    with dialog_named(question) as dialog:
        heading(question)
        text("p", words)
        with ui.element("div").classes("buttons"):
            button(yes, lambda: dialog.submit(_YES), look=look)
            button("Cancel", lambda: dialog.submit(None))
    try:
        return bool(await dialog == _YES)
    finally:
        dialog.delete()


async def ask_why(question: str, words: str, *, yes: str, look: str = "main") -> str | None:
    """Ask for a reason, which is kept with the name of who gives it; None: it was not given."""
    with dialog_named(question) as dialog:
        heading(question)
        text("p", words)
        reason = ui.input("Reason").props("outlined dense autofocus maxlength=1000")

        def give() -> None:
            if reason.value and reason.value.strip():
                dialog.submit(reason.value.strip())
            else:
                reason.error = "a sentence for whoever reads the history"

        reason.on("keydown.enter", give)
        with ui.element("div").classes("buttons"):
            button(yes, give, look=look)
            button("Cancel", lambda: dialog.submit(None))
    try:
        given = await dialog
        return str(given) if given else None
    finally:
        dialog.delete()
