"""The pages of Prefect's UI that an operator uses, by what is written on them."""

import re
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as NotThereYet

_LONG_MS = 180_000  # a worker starts a run in ten seconds, and in a minute where everything else runs beside it
_LOOKS = 9


class PrefectPages:
    """A browser in front of the Prefect UI; every `look` is kept as a picture."""

    def __init__(self, page: Page, url: str, pictures: Path) -> None:
        self.page = page
        self._url = url
        self.host = url.removeprefix("http://")
        self._pictures = pictures
        self._started = 0
        page.set_default_timeout(_LONG_MS)

    def look(self, name: str) -> None:
        """Keep what is on the screen."""
        self.page.screenshot(path=self._pictures / f"{name}.png")

    def starts(self, deployment: str, **choices: str) -> None:
        """Start a deployment by its form, and open the run. `choices`: what is chosen in the form's lists."""
        self.page.goto(f"{self._url}/deployments")
        self.page.get_by_role("link", name=deployment, exact=True).click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run").click()
        for label, word in choices.items():
            self._chooses(self.page.locator("body"), label, word)
        self.look(f"{deployment}-form")
        self.page.get_by_role("button", name="Submit").click()
        runs = self.page.locator(".flow-run-bread-crumbs a[href*='flow-run/']")
        self._started += 1
        expect(runs).to_have_count(self._started, timeout=_LONG_MS)  # the newest comes first
        runs.first.click()
        expect(self.page).to_have_url(re.compile("runs/flow-run/"))

    def ends(self, state: str) -> None:
        """Wait until the run in front of us is in a state."""
        expect(self.page.locator(".state-badge", has_text=state).first).to_be_visible(timeout=_LONG_MS)

    def question(self) -> Locator:
        """Open the form behind the Resume button."""
        self.page.get_by_role("button", name="Resume").click()
        return self.page.get_by_role("dialog")

    def answers(self, question: Locator, decision: str, note: str) -> None:
        """Fill the form in and send it."""
        self._chooses(question, "Decision", decision)
        question.locator("textarea").fill(note)
        self.look("approve-answered")
        question.get_by_role("button", name="Submit").click()

    def opens_artifact(self, key: str) -> None:
        """Open what the run in front of us published under a key.

        A page that was just loaded may lose the click on its tab, and does not look again for what it did not find.
        """
        link = self.page.get_by_role("link").filter(has_text=key).first
        for _ in range(_LOOKS):
            self.page.reload()
            self.page.get_by_text("Artifacts", exact=True).first.click()
            with suppress(NotThereYet):
                link.wait_for(timeout=_LONG_MS / _LOOKS)
                break
        link.click()
        expect(self.page).to_have_url(re.compile("artifacts/artifact/"))
        expect(self.page.locator("article").first).to_be_visible(timeout=_LONG_MS)

    def _chooses(self, form: Locator, label: str, word: str) -> None:
        field = form.locator(".schema-form-property", has=self.page.get_by_text(label, exact=True)).last
        field.locator(".p-select-button__control").press("ArrowDown")
        self.page.locator(".p-pop-over-content").get_by_text(word, exact=True).click()
