"""The frame around every page: the way around, light and dark, who is logged in; and what keeps a page up to date."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request
from nicegui import context, ui

from desk.desk import Desk, desk_of, who_of
from desk.listing import Tone
from desk.pages.live import follow
from desk.pages.parts import button, heading, notice, text
from models.errors import AccessRefused, NijaError
from models.people import Role, Who
from models.store.alerts import alerts
from models.store.sessions import end_session

LOOK_COOKIE = "nija_look"
_LOOKS = {"dark": True, "light": False}
_CSS = Path(__file__).with_name("assets") / "desk.css"
# What was chosen is kept by the browser, for this desk and every other of the same address.
_SWITCH = f"""() => {{
  const dark = !document.body.classList.contains("body--dark");
  setDark(dark);
  document.cookie = `{LOOK_COOKIE}=${{dark ? "dark" : "light"}};path=/;max-age=31536000;samesite=lax`;
}}"""
_MENU = """(event) => {
  const open = document.body.classList.toggle("nav-open");
  event.currentTarget.setAttribute("aria-expanded", open);
  if (open) document.querySelector(".desk-nav a").focus();
}"""
_CLOSE_MENU = """(event) => { if (event.key === "Escape") {
  document.body.classList.remove("nav-open");
  const menu = document.querySelector(".desk-menu"); menu.setAttribute("aria-expanded", false); menu.focus();
} }"""


@dataclass(frozen=True, slots=True)
class Place:
    """One page that the way around leads to. `role`: who sees it there; the page itself asks again.

    `holds`: how the addresses of pages begin that belong to it.
    """

    path: str
    label: str
    icon: str
    part: str
    role: Role = Role.VIEWER
    holds: str = ""

    def is_at(self, path: str) -> bool:
        """Whether an address is of this page, or of one that belongs to it."""
        return path == self.path or (bool(self.holds) and path.startswith(self.holds))


PLACES = (
    Place("/", "Fleet", "donut_small", "Fleet", holds="/accounts/"),
    Place("/alerts", "Alerts", "notifications", "Fleet"),
    Place("/api_keys", "API keys", "vpn_key", "Fleet"),
    Place("/trade_journal", "Trade journal", "edit_note", "Trading"),
    Place("/strategy_comparison", "Strategies", "stacked_line_chart", "Trading"),
    Place("/data", "Data", "calendar_month", "Trading"),
    Place("/verification", "Verification", "fact_check", "Operation"),
    Place("/system", "System", "dns", "Operation"),
    Place("/people", "People", "group", "Desk", Role.ADMIN),
    Place("/audit", "Audit log", "history", "Desk", Role.ADMIN),
)


@contextmanager
def shell(request: Request, title: str, *, lead: str = "") -> Iterator[tuple[Desk, Who]]:
    """Draw the frame; what is drawn in the block is the page's own. `lead`: one line on what the page is for."""
    desk, who = desk_of(request), who_of(request)
    ui.page_title(f"{title} · Nija")
    ui.add_head_html(f"<style>{css()}</style>")
    ui.dark_mode(_LOOKS.get(request.cookies.get(LOOK_COOKIE, "")))
    client = context.client
    content = client.content.classes("desk-main").props('id="content"')
    ui.skip_link("Skip to the page", target=content)
    with client.layout:
        around = _around(desk, who, request)
        bar = _bar(desk, who, title)
    around.move(target_index=1)
    bar.move(target_index=1)
    with ui.element("div").classes("desk-head"):
        heading(title, level=1)
        if lead:
            text("p", lead, "lead")
    if desk.fleet_problem:
        notice(f"The fleet file as it is now is not the one shown here: {desk.fleet_problem}", Tone.WARN)
    yield desk, who


async def done(act: Awaitable[object], words: str) -> bool:
    """Wait for an action and say that it is done, or why it is not; return whether it is."""
    try:
        await act
    except AccessRefused as error:
        ui.notify(str(error), type="negative")
        return False
    except NijaError as error:
        ui.notify(f"{error} ({error.code})", type="negative", multi_line=True, close_button="Close", timeout=0)
        return False
    ui.notify(words, type="positive")
    return True


@cache
def css() -> str:
    """Return the looks of all pages."""
    return _CSS.read_text(encoding="utf-8")


def _bar(desk: Desk, who: Who, title: str) -> ui.element:
    async def leave() -> None:
        await end_session(desk.store, who, now=desk.clock.now())
        ui.navigate.to("/login")

    with ui.element("header").classes("desk-top") as bar:
        menu = button("", look="bare desk-menu", icon="menu").props('aria-label="Menu" aria-expanded="false"')
        menu.props('aria-controls="around"').on("click", js_handler=_MENU)
        ui.link("Nija", "/").classes("desk-brand")
        text("span", title, "desk-where")
        ui.element("span").classes("grow")
        ui.link(f"{who.name} ({who.role.value})", "/me").classes("desk-me").props('title="Your password"')
        look = button("", look="bare", icon="contrast").props('aria-label="Switch between light and dark"')
        look.on("click", js_handler=_SWITCH)
        button("Log out", leave, look="small")
    return bar


def _around(desk: Desk, who: Who, request: Request) -> ui.element:
    with ui.element("nav").classes("desk-nav").props('id="around" aria-label="Pages"') as around:
        around.on("keydown", js_handler=_CLOSE_MENU)
        part = ""
        for place in PLACES:
            if not who.role.reaches(place.role):
                continue
            if place.part != part:
                part = place.part
                text("div", part, "desk-nav-part")
            with ui.link(target=place.path) as link:
                ui.icon(place.icon).props('aria-hidden="true"')
                text("span", place.label)
                if place.path == "/alerts":
                    _standing(desk, request)
            if place.is_at(request.url.path):
                link.props('aria-current="page"')
    return around


def _standing(desk: Desk, request: Request) -> None:
    """Say how many alerts nobody has taken note of, and keep it up to date."""
    count = text("span", "", "tag bad count")
    count.set_visibility(False)

    async def refresh() -> None:
        unknown = sum(one.acknowledged_by is None for one in await alerts(desk.store, limit=1000))
        count.set_text(str(unknown))
        count.props(f'aria-label="{unknown} not acknowledged"')
        count.set_visibility(unknown > 0)

    follow(desk, request, ("operational_alerts",), refresh)
    ui.timer(0, refresh, once=True)
