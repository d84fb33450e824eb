"""What a line of the log carries, in both forms, and what it never does."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from models import redaction
from models.log_context import about, about_plan
from models.log_lines import ConsoleLine, Dresser, JsonLine
from models.redaction import keep_secret, scrub
from models.settings import Credentials

FORMS: dict[str, Callable[[], logging.Formatter]] = {"console": ConsoleLine, "json": JsonLine}
# As venues make them: base64, hex, words with dashes.
SECRETS = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.", min_size=12, max_size=88
).filter(lambda s: len(set(s)) > 6)


@pytest.fixture(autouse=True)
def nothing_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets of the tests before: some are everyday words."""
    monkeypatch.setattr(redaction, "_in_use", redaction._InUse())


class Desk:
    """A logger of its own that writes one form into a text."""

    def __init__(self, form: str = "json") -> None:
        self._text = StringIO()
        handler = logging.StreamHandler(self._text)
        handler.setFormatter(FORMS[form]())
        handler.addFilter(Dresser())
        self.log = logging.Logger("flows.tested", logging.DEBUG)  # noqa: LOG001 - nobody else shall hear it
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self._text.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def test_a_json_line_carries_hour_level_logger_message_and_fields() -> None:
    desk = Desk()

    desk.log.warning("order outcome unknown", extra={"symbol": "ETH/USD", "filled": Decimal("0.5"), "left": None})

    (line,) = desk.lines
    assert datetime.fromisoformat(line.pop("time")).tzinfo is UTC
    assert line == {
        "level": "warning",
        "logger": "flows.tested",
        "message": "order outcome unknown",
        "symbol": "ETH/USD",
        "filled": "0.5",
        "left": None,
    }


def test_a_console_line_is_one_line_and_says_what_is_unknown() -> None:
    desk = Desk("console")

    desk.log.info("account metrics", extra={"total": "10.00 USD", "largest": None, "note": 'two\nlines "quoted"'})

    (line,) = desk.text.splitlines()
    hour, _, rest = line.partition(" ")
    assert datetime.fromisoformat(hour).tzinfo is UTC
    assert rest == (r'INFO flows.tested account metrics total="10.00 USD" largest=unknown note="two\nlines \"quoted\""')


def test_a_traceback_is_in_the_json_object_and_below_the_console_line() -> None:
    for form, expected in (("json", 1), ("console", 5)):
        desk = Desk(form)
        _raise(desk.log, ValueError("no such thing"))

        lines = desk.text.splitlines()
        assert len(lines) >= expected
        assert "ValueError: no such thing" in lines[-1]
        assert "failed" in lines[0]


def test_concurrent_accounts_are_not_mixed_up_and_what_they_start_inherits() -> None:
    desk = Desk()

    async def work(account: str, plan: str) -> None:
        with about(account, f"run of {account}"):
            desk.log.info("began")
            await asyncio.sleep(0)
            about_plan(plan)
            await asyncio.gather(*(child() for _ in range(3)))
            await asyncio.to_thread(desk.log.info, "in a thread")
        desk.log.info("over", extra={"of": account})

    async def child() -> None:
        await asyncio.sleep(0)
        desk.log.info("child")

    async def run() -> None:
        await asyncio.gather(*(work(f"a{n}", f"p{n}") for n in range(20)))

    asyncio.run(run())

    by_message = [(line["message"], line.get("account"), line.get("run"), line.get("plan")) for line in desk.lines]
    expected = []
    for n in range(20):
        account, run, plan = f"a{n}", f"run of a{n}", f"p{n}"
        expected += [("began", account, run, None), ("in a thread", account, run, plan), ("over", None, None, None)]
        expected += [("child", account, run, plan)] * 3
    assert sorted(by_message, key=str) == sorted(expected, key=str)


def test_what_a_line_says_of_its_account_itself_stands() -> None:
    desk = Desk()

    with about("platform", "1"):
        desk.log.info("a sibling", extra={"account": "second"})

    assert (desk.lines[0]["account"], desk.lines[0]["run"]) == ("second", "1")


PLACES: dict[str, Callable[[logging.Logger, str], None]] = {
    "message": lambda log, s: log.warning(f"key {s} used"),  # noqa: G004 - as a library might
    "argument": lambda log, s: log.warning("key %s used", s),
    "argument by name": lambda log, s: log.warning("key %(key)r", {"key": s}),
    "arguments that do not fit": lambda log, s: log.warning("key", s),  # noqa: PLE1205 - a mistake that must not tell either
    "field": lambda log, s: log.warning("used", extra={"detail": f"<{s}>"}),
    "bytes": lambda log, s: log.warning("used", extra={"body": s.encode()}),
    "nested": lambda log, s: log.warning("used", extra={"a": {"b": [{"c": (s, {s: 1})}]}}),
    "error as a field": lambda log, s: log.warning("used", extra={"error": ValueError(s)}),
    "signed address": lambda log, s: log.warning("GET /api?symbol=ETH&apiKey=%s&x=1", quote_plus(s)),
    "json body": lambda log, s: log.warning("sent %s", json.dumps({"x": s})),
    "headers": lambda log, s: log.warning("sent", extra={"headers": {"API-Sign": s}}),
    "database": lambda log, s: log.warning("postgresql://nija:%s@db/nija", quote_plus(s)),
    "exception": lambda log, s: _raise(log, ValueError(f"https://venue/?signature={s}")),
    "cause": lambda log, s: _raise(log, RuntimeError("a"), ValueError({"key": s})),
    "stack": lambda log, s: log.warning("where", stack_info=True, extra={"s": s}),
}


@given(secret=SECRETS, place=st.sampled_from(sorted(PLACES)), form=st.sampled_from(sorted(FORMS)))
def test_a_secret_in_use_is_in_no_line_wherever_it_stands(secret: str, place: str, form: str) -> None:
    desk = Desk(form)
    Credentials(SecretStr(secret), SecretStr(secret))

    PLACES[place](desk.log, secret)

    assert desk.text
    assert secret not in desk.text
    assert quote_plus(secret) not in desk.text
    assert json.dumps(secret)[1:-1] not in desk.text


UNKNOWN = "Zm9yZWlnbi1zZWNyZXQtMTIzNDU2Nzg5MA"  # in use by nobody: found by what stands around it


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://api/v3/order?symbol=A&signature={UNKNOWN}&recvWindow=5000",
        f"apiKey={UNKNOWN}",
        f"NIJA_PLATFORM_API_SECRET={UNKNOWN}",
        f"{{'API-Key': '{UNKNOWN}', 'API-Sign': '{UNKNOWN}=='}}",
        f'{{"OK-ACCESS-PASSPHRASE": "{UNKNOWN}"}}',
        f'"{{\\"secret\\": \\"{UNKNOWN}\\"}}"',
        f"X-MBX-APIKEY: {UNKNOWN}",
        f"Authorization: Bearer {UNKNOWN}",
        f"('Authorization', 'Basic {UNKNOWN}')",
        f"sent with bearer {UNKNOWN}",
        f"https://user:{UNKNOWN}@host/path",
        f"postgresql+asyncpg://nija:{UNKNOWN}@127.0.0.1:5432/nija",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{UNKNOWN}",
        f"gAAAAA{UNKNOWN * 2}==",
        f"key {UNKNOWN}123456789=",  # a Fernet key
        f"-----BEGIN EC PRIVATE KEY-----\n{UNKNOWN}\n-----END EC PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\\n{UNKNOWN}",
        f"https://hooks.slack.com/services/T0/B0/{UNKNOWN}",
        f"https://api.telegram.org/bot123:{UNKNOWN}/sendMessage",
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_knows_it(text: str) -> None:
    assert UNKNOWN not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "environment NIJA_PLATFORM_API_SECRET: is not set, though others of the account are",
        "order 3f2a9c0d3f2a9c0d3f2a9c0d3f2a9c0d for ETH/USD has no known outcome",
        "plan 7d793037a0760186574b0282f2f435e77d793037a0760186574b0282f2f435e7",
        "store postgresql://nija:***@localhost/nija: another session holds its lock",
        "https://api.kraken.com/0/public/Ticker?pair=XBTUSD at 127.0.0.1:9464",
        "signed and sent again; the tokens of account a-b_c",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert scrub(text) == text


def test_a_short_passphrase_is_masked_where_it_stands_alone_and_spares_other_words() -> None:
    keep_secret("qzx")

    assert scrub("passphrase qzx, and qzxylophone") == "passphrase ***, and qzxylophone"


def test_every_line_of_a_private_key_is_a_secret() -> None:
    line = "MHcCAQEEIBy8bGhMmmG1xQx0tYx9LrYk"
    Credentials(SecretStr("an-api-key-name"), SecretStr(f"-----BEGIN EC PRIVATE KEY-----\n{line}\n-----END EC"))

    assert line not in scrub(f"could not read {line!r}")


def _raise(log: logging.Logger, error: Exception, cause: Exception | None = None) -> None:
    try:
        raise error from cause  # noqa: TRY301 - it is raised to be logged
    except Exception:
        log.exception("failed")
