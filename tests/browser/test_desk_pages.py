"""The operator's pages in a real browser: what one sees, does and takes away; on a phone, in the dark, by keyboard."""

import asyncio
import csv
import io
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from brokers.simulator.handle import RunningVenue
from models.store.engine import Store
from tests.browser.desk_up import PICTURES, DeskUp, desk_up
from tests.browser.looks import beyond_the_edge, faint_texts, nameless
from tests.cli.command import Nija
from tests.cli.conftest import a_full_world
from tests.models.store.history import HOUR, a_walk, keep

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

PAGES = ("/alerts", "/trade_journal", "/data", "/verification", "/system", "/strategy_comparison")
SOON_MS = 15_000  # what is pushed is there within two seconds, on a machine that has them


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskUp]:
    """Run one desk for all of these: two accounts at a simulated Kraken, a hundred days of prices."""
    machine = Nija(tmp_path_factory.mktemp("desk"), "http://127.0.0.1:1/api")
    with RunningVenue(a_full_world()) as kraken:
        machine.serves(kraken, "platform", "second", max_positions=3)
        asyncio.run(_collect(f"sqlite:///{machine.home / 'nija.db'}"))
        with desk_up(machine) as up:
            yield up


async def _collect(url: str) -> None:
    async with await Store.open(url) as store:
        end = int(datetime.now(UTC).timestamp()) // HOUR * HOUR
        await keep(store, a_walk(2400, end=end).drop(index=range(700, 790)), rejected=1)


def test_an_alert_that_really_fired_comes_without_a_reload_and_is_acknowledged(desk: DeskUp) -> None:
    with desk.page("/alerts") as page:
        expect(page.get_by_text("Nothing stands: nobody is needed.")).to_be_visible()

        desk.machine("adopt", "--account", "second")  # its entry is not known: no stop protects it
        desk.machine("alerts", "create", "price", "--venue", "kraken", "--symbol", "BTC/USD", "--below", "60000")
        assert desk.machine("alerts", "check").code == 0

        standing = page.get_by_role("region", name="What stands")
        fired = page.get_by_role("region", name="What fired")
        expect(standing.get_by_role("row").filter(has_text="second ETH/USD").first).to_be_visible(timeout=SOON_MS)
        expect(fired.get_by_text("BTC/USD at kraken below 60000: it is 50000")).to_be_visible(timeout=SOON_MS)
        page.screenshot(path=PICTURES / "desk-alerts.png")
        standing.get_by_role("button", name=re.compile("^Acknowledge: .* second ETH.USD$")).first.click()
        page.get_by_label("Reason").fill("it was there before us")
        page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
        expect(standing.get_by_role("cell", name="admin").first).to_be_visible(timeout=SOON_MS)

    known = [alert["acknowledged_by"] for alert in desk.machine("alerts", "list", "--json").report["alerts"]]
    assert "admin" in known


def test_an_alert_is_made_tried_and_switched_off_in_its_form(desk: DeskUp) -> None:
    with desk.page("/alerts") as page:
        page.get_by_role("button", name="New alert").click()
        form = page.get_by_role("dialog")
        form.get_by_label("Of", exact=True).click()
        page.get_by_role("option", name="a portfolio's figure").click()
        expect(form.get_by_label("Symbol, as in BTC/USD")).to_be_hidden()
        form.get_by_label("Threshold; 5% is 0.05").fill("much")
        form.get_by_role("button", name="Make the alert").click()
        expect(form.get_by_role("alert")).to_contain_text("'much' is no number")
        form.get_by_label("Threshold; 5% is 0.05").fill("5%")
        form.get_by_label("Figure").click()
        page.get_by_role("option", name="drawdown").click()
        form.get_by_role("button", name="Make the alert").click()

        mine = page.get_by_role("region", name="Alerts of your own")
        expect(mine.get_by_text("drawdown of the fleet above 0.05")).to_be_visible(timeout=SOON_MS)
        mine.get_by_role("button", name="Disable: drawdown of the fleet above 0.05").click()
        expect(mine.get_by_role("button", name="Enable: drawdown of the fleet above 0.05")).to_be_visible()
        mine.get_by_role("button", name="Test: drawdown of the fleet above 0.05").click()
        expect(page.get_by_text("No channel would be told of this alert.")).to_be_visible()

    made = [
        one for one in desk.machine("alerts", "list", "--mine", "--json").report["mine"] if one["kind"] == "portfolio"
    ]
    assert [(one["threshold"], one["enabled"], one["created_by"]) for one in made] == [("0.05", False, "admin")]


def test_a_push_takes_neither_the_focus_nor_the_filter_away(desk: DeskUp) -> None:
    made = ("alerts", "create", "price", "--account", "second", "--symbol", "ETH/USD", "--above")
    desk.machine(*made, "100001")
    with desk.page("/alerts") as page:
        mine = page.get_by_role("region", name="Alerts of your own")
        mine.get_by_role("searchbox").fill("at second")
        button = mine.get_by_role("button", name="Disable: ETH/USD at second above 100001")
        button.focus()

        desk.machine(*made, "100002")

        expect(mine.get_by_role("cell", name="ETH/USD at second above 100002", exact=True)).to_be_visible(
            timeout=SOON_MS
        )
        expect(button).to_be_focused()
        expect(mine.get_by_role("status")).to_have_text(re.compile(r"^2 of \d$"))


def test_a_journal_entry_is_written_by_keyboard_alone_and_edited_and_the_slower_editor_loses_nothing(
    desk: DeskUp,
) -> None:
    with desk.page("/trade_journal") as page, desk.page("/trade_journal") as other:
        _tabs_to(page, "New entry")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        _tabs_to(page, "Symbol, as in BTC/USD")
        page.keyboard.type("eth/usd")
        _tabs_to(page, "Why it is entered")
        page.keyboard.type("=1+1 is what a spreadsheet would run")
        _tabs_to(page, "Save")
        page.keyboard.press("Enter")
        expect(page.get_by_role("cell", name="ETH/USD", exact=True)).to_be_visible(timeout=SOON_MS)

        _edits(page, other)
        for one in (page, other):
            expect(one.get_by_role("cell", name="hers")).to_be_visible(timeout=SOON_MS)
        with page.expect_download() as download:
            page.get_by_role("link", name="Export as CSV").click()
        lines = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
        page.screenshot(path=PICTURES / "desk-journal.png")

    assert [(line["Symbol"], line["Rating"], line["Lessons"]) for line in lines] == [("ETH/USD", "4", "hers")]
    assert lines[0]["Why entered"] == "'=1+1 is what a spreadsheet would run"


def _edits(page: Page, other: Page) -> None:
    """Let two people edit the same entry; the second sees what the first wrote, and keeps it."""
    expect(other.get_by_role("cell", name="ETH/USD", exact=True)).to_be_visible(timeout=SOON_MS)
    for one in (page, other):
        one.get_by_role("button", name=re.compile("^Edit: ")).click()
        expect(one.get_by_label("Why it is entered")).to_have_value(re.compile("^=1"))
    page.get_by_label("What it taught").fill("hers")
    page.get_by_label("Rating", exact=True).click()
    page.get_by_role("option", name="4 stars").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    other.get_by_label("What it taught").fill("his")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("alert")).to_contain_text("admin has changed this entry")
    other.get_by_role("button", name="Show theirs").click()
    expect(other.get_by_label("What it taught")).to_have_value("hers")
    other.get_by_role("button", name="Cancel").click()


def _tabs_to(page: Page, name: str) -> None:
    """Go to a control by Tab alone; what has the focus is seen to have it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "() => { const e = document.activeElement; return [e.ariaLabel || e.innerText || '', getComputedStyle("
            "e.closest('.q-field') ? e.closest('.q-field').querySelector('.q-field__control') : e).outlineStyle,"
            " e.matches(':focus-visible')]; }"
        )
        if found[0].strip() == name:
            assert found[2]
            return
    pytest.fail(f"{name} is not reached by keyboard")


def test_a_list_without_a_route_of_its_own_is_handed_over_by_the_page(desk: DeskUp) -> None:
    with desk.page("/people") as page, page.expect_download() as download:
        page.get_by_role("group", name="People").get_by_role("button", name="Export as CSV what is filtered").click()
        lines = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))

    assert lines[1][0] == "admin"


def test_a_row_of_the_quarantine_that_is_no_candle_stays_and_says_why(desk: DeskUp) -> None:
    with desk.page("/data") as page:
        expect(page.get_by_role("img", name=re.compile("^kraken BTC.USD 1h: 96"))).to_be_visible()
        gaps = page.get_by_role("region", name="Gaps")
        expect(gaps.get_by_role("cell", name="90", exact=True)).to_be_visible()
        page.screenshot(path=PICTURES / "desk-data.png")
        page.get_by_role("button", name="Release: row 1").click()
        page.get_by_label("Reason").fill("let us see")
        page.get_by_role("dialog").get_by_role("button", name="Release").click()
        expect(page.get_by_text("Row 1: left as it is")).to_be_visible()


def test_three_strategies_are_compared_and_the_best_of_each_figure_is_marked(desk: DeskUp) -> None:
    with desk.page("/strategy_comparison", height=1400) as page:
        page.get_by_label("Two to four strategies").click()
        for name in ("breakout: ", "bollinger: ", "sma-cross: "):
            page.get_by_role("option", name=name).click()
        page.keyboard.press("Escape")
        page.get_by_label("One series of prices, or two").click()
        page.get_by_role("option", name="kraken BTC/USD 1h").click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="gaps in kraken BTC/USD 1h")).to_be_visible(timeout=60_000)
        page.get_by_text("Take prices with holes").click()
        page.get_by_role("button", name="Compare", exact=True).click()

        side = page.get_by_role("region", name="Side by side")
        expect(side.get_by_role("row").filter(has_text="Sharpe ratio")).to_be_visible(timeout=120_000)
        best = (
            side.get_by_role("row").filter(has_text=re.compile("^return(?! a)")).get_by_role("cell").all_inner_texts()
        )
        expect(page.locator(".echart svg path[stroke^='var(--line-'][fill='none']")).to_have_count(6)  # of two pictures
        page.screenshot(path=PICTURES / "desk-strategies.png", full_page=True)
        with page.expect_download() as download:
            side.get_by_role("link", name="Export as CSV").click()
        lines = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))

    returns = [float(value) for value in list(next(one for one in lines if one["Figure"] == "return").values())[1:]]
    assert len(returns) == 3
    assert [cell.endswith("★") for cell in best[1:]] == [value == max(returns) for value in returns]
    with sqlite3.connect(desk.machine.home / "nija.db") as store:
        assert store.execute("SELECT count(*) FROM backtests").fetchone() == (3,)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_text_can_be_read_and_every_control_has_a_name(desk: DeskUp, look: str) -> None:
    with desk.page("/alerts", look=look) as page:
        for path in PAGES:
            desk.goes(page, path)
            expect(page.locator(".grid-scroll tbody tr, .empty, .panel").first).to_be_visible()
            assert (path, faint_texts(page)) == (path, [])
            assert (path, nameless(page)) == (path, [])
            assert page.locator("h1").count() == 1
            assert [page.get_by_role(mark).count() for mark in ("main", "banner")] == [1, 1]
            assert page.get_by_role("navigation", name="Pages").locator("[aria-current=page]").count() == 1
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        page.screenshot(path=PICTURES / f"desk-{look}.png")


def test_a_phone_shows_every_page_within_its_width_and_its_menu_opens_and_closes(desk: DeskUp) -> None:
    with desk.page("/alerts", width=360, height=740) as page:
        for path in PAGES:
            desk.goes(page, path)
            expect(page.locator(".grid-scroll tbody tr, .empty, .panel").first).to_be_visible()
            assert (path, beyond_the_edge(page)) == (path, [])
        menu = page.get_by_role("button", name="Menu")
        menu.click()
        expect(page.get_by_role("link", name="Trade journal")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Trade journal")).to_be_hidden()
        expect(menu).to_be_focused()
        menu.click()
        page.get_by_role("link", name="Alerts").click()
        expect(page.get_by_role("heading", level=1, name="Alerts")).to_be_visible()
        page.screenshot(path=PICTURES / "desk-phone.png")


def test_a_chosen_look_stays_and_the_head_of_a_table_sorts_by_keyboard(desk: DeskUp) -> None:
    with desk.page("/strategy_comparison") as page:
        page.get_by_role("button", name="Switch between light and dark").click()
        expect(page.locator("body.body--dark")).to_be_visible()
        desk.goes(page, "/system")
        expect(page.locator("body.body--dark")).to_be_visible()
        head = page.get_by_role("region", name="Pipelines").get_by_role("columnheader", name="Pipeline")
        head.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(head).to_have_attribute("aria-sort", "ascending")
        page.keyboard.press("Enter")
        expect(head).to_have_attribute("aria-sort", "descending")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_page_that_is_not_there_says_so_and_leads_back(desk: DeskUp, look: str) -> None:
    with desk.page("/", look=look) as page:
        answer = page.goto(f"{desk.url}/nowhere?<script>")

        assert answer is not None
        assert answer.status == 404
        assert faint_texts(page) == []
        page.get_by_role("link", name="To the fleet").click()
        expect(page.get_by_role("heading", level=1, name="Fleet")).to_be_visible()
    desk.complaints[:] = [words for words in desk.complaints if "404" not in words]  # the browser's own word for it


def test_no_page_asked_anybody_else_and_none_complained(desk: DeskUp) -> None:
    """Looks back on all of the above, whichever of them ran."""
    with desk.page("/"):
        pass

    assert desk.hosts == {desk.url.removeprefix("http://")}
    assert len([url for url in desk.asked if "/_nicegui/" in url]) > 5
    assert desk.complaints == []


def test_who_leaves_is_led_to_the_login_and_nothing_of_it_goes_wrong(desk: DeskUp) -> None:
    link = desk.machine("desk", "people", "add", "leaver").out.strip()
    with desk.page("/login") as page:
        page.context.clear_cookies()
        page.goto(link)
        for label in ("New password", "The same again"):
            page.get_by_label(label).fill("a password of one's own")
        page.get_by_role("button", name="Set password and log in").click()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=SOON_MS)

    assert "Traceback" not in desk.words.read_text()
