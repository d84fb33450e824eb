"""A person normalises in Prefect's UI: starts it, sees the plan, confirms, watches, and then finds nothing to do."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from brokers.simulator.handle import RunningVenue
from tests.browser.prefect_pages import PrefectPages
from tests.cli.command import Nija, wait_until
from tests.cli.stack_up import COMES_UP_SECONDS, Stack

pytestmark = [pytest.mark.wire, pytest.mark.timeout(1200)]

PICTURES = Path(os.environ.get("NIJA_SCREENSHOTS", "build/screenshots"))
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """Return a page of the Chromium that is installed; without one these tests fail, and say how to get it."""
    found = os.environ.get("NIJA_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no Chromium is installed: make browser, or NIJA_CHROMIUM=PATH"
    with sync_playwright() as playwright:
        # A container has no user namespaces for its sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1400, "height": 1200})
        browser.close()


@pytest.fixture
def pages(page: Page, stack: Stack) -> PrefectPages:
    PICTURES.mkdir(parents=True, exist_ok=True)
    wait_until(stack.is_up, seconds=COMES_UP_SECONDS)
    return PrefectPages(page, f"http://127.0.0.1:{stack.port}", PICTURES)


def test_a_plan_is_seen_confirmed_and_applied_in_the_browser_and_then_there_is_nothing_to_do(
    pages: PrefectPages, kraken: RunningVenue, machine: Nija
) -> None:
    asked: list[str] = []
    pages.page.on("request", lambda request: asked.append(request.url))

    pages.starts("approve", **{"Mode (Optional)": "approve"})
    pages.ends("Paused")
    question = pages.question()
    expect(question.get_by_role("heading", name=re.compile(r"^\d+ orders in 1 account$"))).to_be_visible()
    pages.look("approve-question")
    question.get_by_role("button", name="Submit").click()  # nobody confirms by accident
    expect(question.get_by_text("'decision' is a required property")).to_be_visible()
    before = kraken.orders("platform")
    pages.answers(question, "apply", "looked at it")
    pages.ends("Completed")
    pages.look("approve-completed")
    pages.opens_artifact("nija-report")
    pages.look("approve-report")
    sold = kraken.orders("platform")
    pages.starts("approve", **{"Mode (Optional)": "approve"})
    pages.ends("Completed")
    pages.opens_artifact("nija-report")
    pages.look("again-nothing-to-do")

    assert (before, len(sold) > 0) == ([], True)
    assert kraken.orders("platform") == sold
    decided = machine("decisions", "list", "--json").report["decisions"]
    assert [(d["by"], d["reason"]) for d in decided] == [("the Prefect UI", "looked at it")]
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {pages.host}
