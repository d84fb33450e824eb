"""An operator's day at the desk of a whole stack: comes in, sees the fleet, adds keys, normalises, is thrown out."""

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
import yaml
from playwright.sync_api import Page, expect, sync_playwright

from brokers.simulator.handle import RunningVenue
from tests.browser.desk_up import PICTURES, DeskUp, chromium
from tests.browser.looks import beyond_the_edge, cut_tables, faint_texts, nameless
from tests.cli.command import Nija, wait_until
from tests.cli.conftest import a_full_world
from tests.cli.stack_up import COMES_UP_SECONDS, Stack, running

pytestmark = [pytest.mark.wire, pytest.mark.timeout(600)]

SOON_MS = 20_000
RUNS_MS = 180_000
PAGES = ("/", "/accounts/platform", "/api_keys", "/people", "/audit", "/me")


class Office:
    """A stack, its desk, and the venue behind it."""

    def __init__(self, stack: Stack, desk: DeskUp, kraken: RunningVenue) -> None:
        self.stack, self.desk, self.kraken = stack, desk, kraken


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    """Run one stack for all of these. `second` has no keys yet."""
    folder = Path(mkdtemp(prefix="nija-desk-"))  # where PostgreSQL may write that does not run as root
    machine = Nija(folder, "")
    with RunningVenue(a_full_world()) as kraken, sync_playwright() as playwright:
        machine.serves(kraken, "platform", max_positions=3)
        fleet = yaml.safe_load(machine.fleet_file.read_text())
        fleet["accounts"].append(fleet["accounts"][0] | {"id": "second"})
        machine.writes_fleet(fleet)
        with running(machine) as stack:
            machine.environment["NIJA_DESK_PORT"] = str(stack.desk_port)
            browser = chromium(playwright)
            desk = DeskUp(machine, stack.desk_port, browser, stack.words)
            wait_until(stack.is_up, seconds=COMES_UP_SECONDS)
            desk.lets_in()
            yield Office(stack, desk, kraken)
            browser.close()
            stack.process.send_signal(signal.SIGINT)
    shutil.rmtree(folder, ignore_errors=True)


def test_the_stack_says_where_the_desk_is_and_how_to_come_in_and_shows_no_link_in_its_log(office: Office) -> None:
    said = office.stack.words.read_text()

    assert f"desk:    http://127.0.0.1:{office.stack.desk_port}" in said
    assert "nobody can log in yet: nija desk people link admin" in said
    assert "welcome#" not in said


def test_keys_are_red_with_the_venues_reason_then_green_and_found_nowhere(office: Office) -> None:
    key, secret = (str(part) for part in office.kraken.credentials("second")[:2])
    with office.desk.page("/api_keys") as page:
        page.get_by_role("button", name="Add keys: second").click()
        form = page.get_by_role("dialog")
        form.get_by_label("API key").fill("a-key-of-nobody-0123456789")
        form.get_by_label("API secret").fill("bm90IGEgc2VjcmV0IG9mIGFueWJvZHk=")
        form.get_by_role("button", name="Test connection").click()
        expect(form.locator(".key-result.bad")).to_contain_text("Invalid key", timeout=SOON_MS)
        page.screenshot(path=PICTURES / "desk-keys-red.png")
        form.get_by_role("button", name="Save").click()
        expect(form.locator(".key-result.bad")).to_contain_text("not saved", timeout=SOON_MS)

        form.get_by_label("API key").fill(key)
        form.get_by_label("API secret").fill(secret)
        form.get_by_role("button", name="Test connection").click()
        expect(form.locator(".key-result.good")).to_contain_text("may trade, may not withdraw", timeout=SOON_MS)
        form.get_by_role("button", name="Save").click()
        card = page.get_by_role("article", name="Keys of second")
        expect(card.get_by_text("accepted", exact=True)).to_be_visible(timeout=SOON_MS)
        expect(card).to_have_class(re.compile("good"))
        assert secret not in page.content()
        page.screenshot(path=PICTURES / "desk-keys.png")

    office.desk.machine._secrets |= {key, secret}  # looked for in every file of the home and every word, from here on
    listed = office.desk.machine("keys", "list", "--json").report["accounts"]
    assert [(one["account"], one["source"]) for one in listed] == [("platform", "environment"), ("second", "vault")]


def test_an_account_is_normalised_from_its_page_and_what_was_seen_is_what_is_done(office: Office) -> None:
    with office.desk.page("/accounts/platform", height=1300) as page, office.desk.page("/") as fleet:
        _plans(page)
        planned = _symbols(page, "What the plan does")
        before = office.kraken.orders("platform")
        page.screenshot(path=PICTURES / "desk-plan.png", full_page=True)
        page.get_by_role("button", name="Apply this plan").click()
        page.get_by_role("button", name="Send the orders").click()
        expect(page.get_by_text("a sentence for whoever reads the history")).to_be_visible()  # not by accident
        page.get_by_label("Reason").fill("looked at it")
        page.get_by_role("button", name="Send the orders").click()
        link = page.get_by_role("link", name="See the run in Prefect")
        expect(link).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_text("Result", exact=True)).to_be_visible(timeout=RUNS_MS)
        done = page.get_by_role("group", name="What was done")
        expect(done.get_by_text("filled", exact=True).first).to_be_visible()
        assert cut_tables(page) == []
        page.screenshot(path=PICTURES / "desk-account.png", full_page=True)
        made = _symbols(page, "What was done")
        run = str(link.get_attribute("href"))
        expect(fleet.get_by_role("row").filter(has_text="platform").get_by_text("3 / 3")).to_be_visible(timeout=SOON_MS)
        assert cut_tables(fleet) == []
        fleet.screenshot(path=PICTURES / "desk-fleet.png")

    assert (before, len(planned) > 2, made) == ([], True, planned)
    assert len(office.kraken.orders("platform")) > 0
    assert re.fullmatch(rf"http://127\.0\.0\.1:{office.stack.port}/runs/flow-run/[0-9a-f-]{{36}}", run)
    decided = office.desk.machine("decisions", "list", "--json").report["decisions"]
    assert [(d["by"], d["reason"]) for d in decided if d["decision"].startswith("plan")] == [("admin", "looked at it")]


def _symbols(page: Page, table: str) -> list[str]:
    """What a table of actions is about, in its order."""
    rows = page.get_by_role("group", name=table).locator("tbody tr")
    return [str(row.get_by_role("cell").nth(1).inner_text()) for row in rows.all()]


def _plans(page: Page) -> None:
    """Plan, once the deployments are there and the run at the start is over."""
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.get_by_role("button", name="Apply this plan")).to_be_visible(timeout=SOON_MS)


def test_a_symbol_is_frozen_from_the_row_and_the_log_says_who_did_it(office: Office) -> None:
    with office.desk.page("/accounts/platform") as page:
        page.get_by_role("button", name="Freeze: BTC/USD").click()
        page.get_by_label("Reason").fill("their news")
        page.get_by_role("dialog").get_by_role("button", name="Freeze").click()
        frozen = page.get_by_role("region", name="Frozen symbols").first
        expect(frozen.get_by_role("cell", name="BTC/USD", exact=True)).to_be_visible(timeout=SOON_MS)
        office.desk.goes(page, "/audit")
        row = page.get_by_role("row").filter(has_text="symbol.freeze")
        expect(row).to_contain_text("platform BTC/USD")
        expect(row).to_contain_text("their news")
        page.screenshot(path=PICTURES / "desk-audit.png")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_text_can_be_read_and_every_control_has_a_name(office: Office, look: str) -> None:
    with office.desk.page("/", look=look) as page:
        for path in PAGES:
            office.desk.goes(page, path)
            expect(page.locator("tbody tr, .card, input[type=password]").first).to_be_visible()
            assert (path, faint_texts(page)) == (path, [])
            assert (path, nameless(page)) == (path, [])
            assert (path, cut_tables(page)) == (path, [])
        office.desk.goes(page, "/accounts/platform")
        expect(page.locator(".chart svg polyline")).to_be_visible()
        page.screenshot(path=PICTURES / f"desk-account-{look}.png", full_page=True)


def test_a_phone_shows_every_page_within_its_width(office: Office) -> None:
    with office.desk.page("/", width=360, height=740) as page:
        for path in PAGES:
            office.desk.goes(page, path)
            expect(page.locator("tbody tr, .card, input[type=password]").first).to_be_visible()
            assert (path, beyond_the_edge(page)) == (path, [])
        office.desk.goes(page, "/")
        page.screenshot(path=PICTURES / "desk-fleet-phone.png", full_page=True)


def test_a_viewer_sees_no_button_and_is_thrown_out_of_an_open_page_when_removed(office: Office) -> None:
    machine = office.desk.machine
    told = machine("desk", "people", "add", "ops", "--role", "viewer")
    with office.desk.page("/") as page:
        page.context.clear_cookies()
        _comes_in(page, told.out)
        expect(page.get_by_role("link", name="ops (viewer)")).to_be_visible()
        office.desk.goes(page, "/accounts/platform")
        acts = [page.get_by_role("button", name=name).count() for name in ("Plan", "Freeze a symbol", "Resume")]
        people = page.get_by_role("link", name="People").count()
        office.desk.goes(page, "/people")
        expect(page.get_by_text("This page takes the role admin.")).to_be_visible()

        assert machine("desk", "people", "remove", "ops").code == 0
        expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=SOON_MS)

    assert (acts, people) == ([0, 0, 0], 0)


def _comes_in(page: Page, link: str) -> None:
    """Set a password by a link."""
    page.goto(link.strip())
    page.get_by_label("New password").fill("a password of one's own")
    page.get_by_label("The same again").fill("a password of one's own")
    page.get_by_role("button", name="Set password and log in").click()
    expect(page.get_by_role("heading", level=1, name="Fleet")).to_be_visible(timeout=SOON_MS)


def test_no_socket_is_opened_without_a_session_or_from_elsewhere(office: Office) -> None:
    with office.desk.page("/") as page:
        address = office.desk.url.replace("http", "ws") + "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        own = f"{address}&client_id={page.evaluate('window.clientId')}"
        opens = """(url) => new Promise((done) => { const socket = new WebSocket(url);
          socket.onmessage = () => { socket.close(); done("opened"); }; socket.onerror = () => done("refused"); })"""
        found = [page.evaluate(opens, own), page.evaluate(opens, address)]
        with office.desk.page("/login") as other:
            other.context.clear_cookies()
            _comes_in(other, office.desk.machine("desk", "people", "add", "another", "--role", "admin").out)
            found.append(other.evaluate(opens, own))
        page.context.clear_cookies()
        found.append(page.evaluate(opens, own))

    assert found == ["opened", "refused", "refused", "refused"]


def test_no_page_asked_anybody_else_and_none_complained(office: Office) -> None:
    """Looks back on all of the above, whichever of them ran."""
    refused = [words for words in office.desk.complaints if "WebSocket connection" not in words]

    assert office.desk.hosts == {office.desk.url.removeprefix("http://")}
    assert refused == []
