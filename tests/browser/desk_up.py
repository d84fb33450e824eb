"""A `nija desk` in a process of its own, and a browser whose every request is kept."""

import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.cli.command import COMMAND, Nija, wait_until
from tests.cli.stack_up import free_ports

PASSWORD = "correct horse battery staple"
PICTURES = Path(os.environ.get("NIJA_SCREENSHOTS", "build/screenshots"))
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_STARTS_SECONDS = 90
_LONG_MS = 30_000


class DeskUp:
    """A desk that runs, and the browser in front of it. `asked`: the address of every request of every page."""

    def __init__(self, machine: Nija, port: int, browser: Browser, words: Path) -> None:
        self.machine, self.url, self.words = machine, f"http://127.0.0.1:{port}", words
        self._browser = browser
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        self._session: list[dict[str, str]] = []
        PICTURES.mkdir(parents=True, exist_ok=True)

    @property
    def answers(self) -> bool:
        """Whether the desk serves."""
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
        return False

    def lets_in(self) -> None:
        """Come in as the admin by a link, as one is given who has none of a terminal."""
        told = self.machine("desk", "people", "link", "admin")
        found = re.search(rf"{re.escape(self.url)}/welcome#\S+", told.out)
        assert found, told.out + told.err
        context = self._context()
        page = context.new_page()
        page.goto(found[0])
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Set password and log in").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=_LONG_MS)
        self._session = [
            {"name": one["name"], "value": one["value"], "url": self.url}  # type: ignore[typeddict-item]
            for one in context.cookies()
        ]
        context.close()

    @contextmanager
    def page(self, path: str, *, width: int = 1280, height: int = 900, look: str = "light") -> Iterator[Page]:
        """Open a page as the admin; on a phone by its width."""
        context = self._context(width, height, look)
        context.add_cookies(self._session)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(_LONG_MS)
        try:
            self.goes(page, path)
            yield page
        finally:
            context.close()

    def goes(self, page: Page, path: str) -> None:
        """Open another page, and wait until it can be used."""
        page.goto(self.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=_LONG_MS)

    def _context(self, width: int = 1280, height: int = 900, look: str = "light") -> BrowserContext:
        scheme = "dark" if look == "dark" else "light"
        context = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.on("request", lambda request: self.asked.add(request.url))
        context.on("console", lambda said: self._heard(said.type, said.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        return context

    def _heard(self, kind: str, words: str) -> None:
        if kind == "error":
            self.complaints.append(words)

    @property
    def hosts(self) -> set[str]:
        """Every host that was asked for anything."""
        return {urlsplit(url).netloc for url in self.asked if urlsplit(url).scheme not in {"data", "blob"}}


def chromium(playwright: Playwright) -> Browser:
    """Start the Chromium that is installed; without one these tests fail, and say how to get it."""
    found = os.environ.get("NIJA_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "no Chromium is installed: make browser, or NIJA_CHROMIUM=PATH"
    # A container has no user namespaces for its sandbox; the pages are our own.
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@contextmanager
def desk_up(machine: Nija) -> Iterator[DeskUp]:
    """Run a desk and a browser for the length of the block; the admin is let in."""
    (port,) = free_ports(1)
    machine.environment["NIJA_DESK_PORT"] = str(port)
    words = machine.folder / "desk.out"
    with words.open("wb") as told:
        process = subprocess.Popen(
            [COMMAND, "desk"],
            cwd=machine.folder,
            env=machine.environment,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
    try:
        with sync_playwright() as playwright:
            browser = chromium(playwright)
            desk = DeskUp(machine, port, browser, words)
            wait_until(lambda: desk.answers or process.poll() is not None, seconds=_STARTS_SECONDS)
            assert process.poll() is None, words.read_text()
            desk.lets_in()
            yield desk
            browser.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
