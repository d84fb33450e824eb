"""An audit of the stored history finds what was planted, on either database, and its page stands alone."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import text

from models.audit import AuditCheck, AuditedSeries, AuditFinding, AuditReport
from models.errors import StoreError
from models.history import Span
from models.store.audits import latest_audit, save_audit
from models.store.engine import Store
from tests.builders import NOW
from tests.models.store.history import BITCOIN, END, HOUR, a_walk, keep
from validations.audit.page import audit_page
from validations.audit.run import run_audit
from validations.audit.suites import RULES

COINBASE = replace(BITCOIN, source="coinbase")
_AT = (
    " WHERE series_id = (SELECT series_id FROM price_series WHERE source = :source)"
    " AND time >= :newest - 3600 * :hours AND time <= :newest"
)


@dataclass(frozen=True)
class Damage:
    """What is done to the candles of one source, so many hours of them up to so many hours before the end."""

    does: str
    source: str
    before_end: int
    hours: int = 0

    async def do(self, store: Store) -> None:
        values = {"source": self.source, "newest": END - self.before_end * HOUR, "hours": self.hours}
        assert await store.execute(text(self.does + _AT), values)


def stored(url: str, *damages: Damage) -> None:
    """Keep two sources of one symbol, and then some damage."""

    async def fill() -> None:
        async with await Store.open(url) as store:
            await keep(store, a_walk(200), rejected=1)
            await keep(store, a_walk(200), COINBASE)
            for damage in damages:
                await damage.do(store)

    asyncio.run(fill())


def failing(report: AuditReport) -> dict[str, list[str]]:
    return {c.rule: [f"{f.subject}: {f.found}" for f in c.findings] for c in report.checks if not c.passed}


def test_an_audit_of_a_sound_history_passes_reaches_no_network_and_is_kept(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(store_url)
    looked_up: list[Any] = []
    look_up: Callable[..., Any] = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **more: (looked_up.append(args[0]), look_up(*args, **more))[1]
    )

    report = run_audit(store_url, now=NOW)

    assert failing(report) == {}
    assert report.passed
    assert {check.rule for check in report.checks} == {rule.column for rule in RULES} | {"rows"}
    assert (report.batches, report.undecided) == (2, 1)
    assert not {host for host in looked_up if host not in {None, "localhost", "127.0.0.1"}}

    async def kept() -> AuditReport | None:
        async with await Store.open(store_url) as store:
            await save_audit(store, report)
            return await latest_audit(store)

    assert asyncio.run(kept()) == report


def test_an_audit_finds_each_fault_where_it_is(store_url: str) -> None:
    stored(
        store_url,
        Damage("DELETE FROM crypto_price_history", "kraken", before_end=8, hours=1),
        Damage("UPDATE crypto_price_history SET low = high * 2", "kraken", before_end=50),
        Damage("UPDATE crypto_price_history SET volume = 90000", "kraken", before_end=60),
        Damage(
            "UPDATE crypto_price_history"
            " SET open = open * 1.5, high = high * 1.5, low = low * 1.5, close = close * 1.5",
            "coinbase",
            before_end=1,
            hours=39,
        ),
    )

    report = run_audit(store_url, now=NOW + timedelta(hours=39))

    late = "1.5 times the limit"
    assert failing(report) == {
        "missing": [f"{BITCOIN}: 2 candles missing"],
        "lateness": [f"{COINBASE}: {late}", f"{BITCOIN}: {late}"],
        "broken": [f"{BITCOIN}: 1 candles"],
        "volume_outliers": [f"{BITCOIN}: 1 times in 24 candles"],
        "drift": ["coinbase and kraken BTC/USD 1h: 0.096"],
        "apart_fraction": ["coinbase and kraken BTC/USD 1h: 0.192 of the candles"],
    }
    assert not report.passed
    assert report.failures == 6


def test_an_audit_of_nothing_does_not_pass(sqlite_url: str) -> None:
    report = run_audit(sqlite_url, now=NOW)

    assert not report.passed
    assert set(failing(report)) == {"rows"}


def test_a_series_that_was_wanted_and_never_came_fails(sqlite_url: str) -> None:
    stored(sqlite_url)

    assert failing(run_audit(sqlite_url, now=NOW, series=[BITCOIN])) == {}
    never = replace(BITCOIN, symbol="ETH/USD")
    assert set(failing(run_audit(sqlite_url, now=NOW, series={BITCOIN: None, never: None}))) == {"unknown"}
    wanted = {BITCOIN: None, never: Span(END - 99 * HOUR, END)}
    assert set(failing(run_audit(sqlite_url, now=NOW, series=wanted))) == {"unknown", "lateness"}


def test_a_store_that_is_not_there_is_an_error(tmp_path: Any) -> None:
    with pytest.raises(StoreError):
        run_audit(f"sqlite:///{tmp_path / 'none.db'}", now=NOW)


class _Page(HTMLParser):
    """Takes note of what a page would load, and whether its elements are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.loads: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "data", "action", "srcset"}]
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def a_report() -> AuditReport:
    series = AuditedSeries(
        source="kraken",
        symbol="<script>alert(1)</script>/USD",
        timeframe="1h",
        stored=1999,
        first=NOW,
        last=None,
        wanted_from=NOW,
        known_until=NOW,
        expected=2000,
        missing=1,
        gaps=1,
        lateness=0,
        off_grid=0,
        unfinished=0,
        broken=0,
    )
    findings = [AuditFinding(subject=f"<img src=x> {n}", found="1 & 2") for n in range(30)]
    return AuditReport(
        started_at=NOW,
        finished_at=NOW,
        series=[series],
        checks=[
            AuditCheck(suite="tables", rule="b", says="all is well", looked_at=1, passed=True),
            AuditCheck(suite="series", rule="a", says="none is missing", looked_at=1, passed=False, findings=findings),
        ],
    )


def test_the_page_of_an_audit_loads_nothing_and_believes_no_text() -> None:
    page = _Page(audit_page(a_report()))

    assert page.open == []
    assert page.loads == []
    assert not {"script", "img", "link", "iframe", "object"} & set(page.seen)
    assert "<script>alert(1)</script>/USD" in page.words
    assert "<img src=x> 0: 1 & 2" in page.words
    assert "@import" not in page.words
    assert "url(" not in page.words
    assert "prefers-color-scheme: dark" in page.words


def test_the_page_says_first_what_does_not_hold_and_never_calls_nearly_all_all() -> None:
    words = " ".join(_Page(audit_page(a_report())).words.split())

    assert "History audit: failed" in words
    assert words.index("none is missing") < words.index("all is well")
    assert "and 10 more" in words
    assert "99.95 % there" in words
