"""Hand one message to one service through Apprise, for a bounded time, and say what can be said of a failure.

Apprise answers yes or no. Why it is no, it tells its log alone, in words that differ by service, with addresses in
them at times. So what it logs is dropped, and the reason is read from the transport: the status that the HTTP
library reports as a number, or that there was none.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from models.alert import Severity
from models.channel import Failure, Message
from models.errors import ConfigError

LIMIT = timedelta(seconds=10)
_TRANSPORT_LOG = "urllib3.connectionpool"
_TELLTALES = ("apprise", "urllib3", "requests_oauthlib", "oauthlib")  # each logs addresses, or what signs requests
_ADDRESS = "an Apprise URL: slack://…, mailtos://…, tgram://…, json://…; see docs/alerts.md"
_FROM_THE_FIRST = ("apprise", _TRANSPORT_LOG, "urllib3.util.retry", "urllib3.poolmanager")
_RATE_LIMITED, _SERVER_ERROR, _REFUSED, _REDIRECTED = 429, 500, 400, 300


async def notify(address: SecretStr, message: Message, *, limit: timedelta = LIMIT) -> Failure | None:
    """Send a message; return None when the service took it, else why it did not. Never raises for the service.

    A service that has not answered at `limit` is no longer waited for: it may take the message all the same.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Failure | None] = loop.create_future()

    def end(outcome: Failure | None) -> None:
        if not ended.done():
            ended.set_result(outcome)

    def run() -> None:
        outcome = _sent(address, message)
        with suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(end, outcome)

    # Not the loop's own pool: the program's end would wait for a service that does not answer.
    threading.Thread(target=run, name="notify", daemon=True).start()
    try:
        return await asyncio.wait_for(ended, limit.total_seconds())
    except TimeoutError:
        return Failure.TIMED_OUT


def service_of(address: SecretStr) -> str:
    """Return what kind of service an address is of, as it begins. Raises: ConfigError, without the address."""
    with _EAR.listening():
        import apprise  # noqa: PLC0415 - as below

        plugin = _plugin(apprise, address)
    if plugin is None:
        raise ConfigError("the channel's URL", "is of no service that is known, or not whole", _ADDRESS)
    return address.get_secret_value().split("://", maxsplit=1)[0].lower()


def _sent(address: SecretStr, message: Message) -> Failure | None:
    with _EAR.listening() as heard:
        import apprise  # noqa: PLC0415 - a quarter of a second that a run without channels need not pay

        try:
            plugin = _plugin(apprise, address)
            if plugin is None:
                return Failure.ADDRESS_UNKNOWN
            if plugin.overflow_mode == apprise.OverflowMode.UPSTREAM:
                plugin.overflow_mode = apprise.OverflowMode.TRUNCATE  # a service refuses what is too long
            service = apprise.Apprise(asset=plugin.asset)
            service.add(plugin)
            taken = service.notify(
                body=message.body,
                title=message.title,
                notify_type=_type_of(message, apprise.NotifyType),
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception:  # noqa: BLE001 - a plugin's own fault; its words may hold the address, so they are not kept
            return Failure.NOT_TOLD
        return None if taken else heard.failure


def _plugin(apprise: Any, address: SecretStr) -> Any:
    """Return the service's plugin; None where Apprise makes none of the address."""
    # A redirect would turn the message into a request for a page; what it caches may hold tokens, so not on the disk.
    asset = apprise.AppriseAsset(http_redirects=False, async_mode=False, storage_mode="memory", app_id="Nija")
    text = address.get_secret_value().strip()
    try:
        return apprise.Apprise.instantiate(text, asset=asset, suppress_exceptions=True) if "://" in text else None
    except Exception:  # noqa: BLE001 - as above: the words of a parser may hold what it parsed
        return None


def _type_of(message: Message, types: Any) -> Any:
    if message.is_over:
        return types.SUCCESS
    by_severity: Mapping[Severity, Any] = {
        Severity.CRITICAL: types.FAILURE,
        Severity.WARNING: types.WARNING,
        Severity.INFO: types.INFO,
    }
    return by_severity[message.severity]


class _Ear(logging.Filter):
    """What the libraries log in this thread: heard, and dropped, since addresses stand in it.

    A filter, because who configures logging anew (Prefect does, in its workers) takes handlers away and leaves filters.
    """

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

    @contextmanager
    def listening(self) -> Iterator["_Heard"]:
        """Hear what is logged in this thread for the length of the block."""
        heard = self._here.heard = _Heard()
        there = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in _TELLTALES]
        for name in (*_FROM_THE_FIRST, *there):
            logging.getLogger(name).addFilter(self)
        logging.getLogger(_TRANSPORT_LOG).setLevel(logging.DEBUG)  # else it does not say what was answered
        try:
            yield heard
        finally:
            self._here.heard = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Let through what other threads log, but for what the transport tells only because we made it."""
        heard: _Heard | None = getattr(self._here, "heard", None)
        if heard is None:
            return record.name != _TRANSPORT_LOG or record.levelno > logging.DEBUG
        if record.name == _TRANSPORT_LOG:
            heard.take(record)
        return False


class _Heard:
    """What the HTTP library said: the status of the last answer, or that a connection was begun."""

    def __init__(self) -> None:
        self._status: int | None = None
        self._asked = False

    def take(self, record: logging.LogRecord) -> None:
        """Keep the status of an answer: `scheme://host:port "METHOD path version" status length`."""
        self._asked = True
        arguments = record.args if isinstance(record.args, tuple) else ()
        self._status = next((a for a in arguments[-2:-1] if isinstance(a, int)), None)

    @property
    def failure(self) -> Failure:
        """Say why a message was not taken, as far as that was heard."""
        if self._status is None:
            return Failure.NO_ANSWER if self._asked else Failure.NOT_TOLD
        if self._status == _RATE_LIMITED:
            return Failure.RATE_LIMITED
        if self._status >= _SERVER_ERROR:
            return Failure.SERVER_ERROR
        is_redirect = _REDIRECTED <= self._status < _REFUSED
        return Failure.REDIRECTED if is_redirect else Failure.REFUSED


_EAR = _Ear()
