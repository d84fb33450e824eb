"""How a record of the log becomes a line: what it is about is added, secrets are taken out; for people or as JSON."""

import json
import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from models.log_context import about_now
from models.redaction import scrub, scrub_field

# What every record has; whatever else it has was given with `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DRESSED = "_nija_dressed"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+-@%*#,")
_traceback = logging.Formatter()


class Dresser(logging.Filter):
    """Adds to each record what it is about, and takes the secrets out of everything it carries.

    It belongs on handlers: a logger's own filters do not see what its children hand up.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place, once; let it pass."""
        if getattr(record, _DRESSED, False):
            return True
        for name, value in about_now().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        _scrub_message(record)
        if record.exc_info:
            record.exc_text = _traceback.formatException(record.exc_info)
            record.exc_info = None  # a formatter would write the traceback anew
        record.exc_text = scrub(record.exc_text) if record.exc_text else record.exc_text
        record.stack_info = scrub(record.stack_info) if record.stack_info else record.stack_info
        for name, value in list(_fields(record)):
            setattr(record, name, scrub_field(name, value))
        setattr(record, _DRESSED, True)
        return True


class ConsoleLine(logging.Formatter):
    """One line for people: when, how bad, who says it, what, then the fields; a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = f"{rfc3339(record.created)} {record.levelname} {record.name} {with_fields(record)}"
        below = [text for text in (record.exc_text, record.stack_info) if text]
        return "\n".join([line, *below])


class FieldsLine(logging.Formatter):
    """The message with its fields, for where hour and level are shown beside it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return "\n".join([with_fields(record), *([record.exc_text] if record.exc_text else [])])


class JsonLine(JsonFormatter):
    """One JSON object a line: time, level, logger, message, then the fields; a traceback as `exception`."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill the object."""
        said = message_dict.get("message", record.getMessage())
        log_data |= {"time": rfc3339(record.created), "level": record.levelname.lower(), "logger": record.name}
        log_data["message"] = said
        for name, value in [*message_dict.items(), *_fields(record)]:
            if name not in log_data and name not in {"exc_info", "stack_info"}:
                log_data[name] = _finite(value)
        if record.exc_text:
            log_data["exception"] = record.exc_text
        if record.stack_info:
            log_data["stack"] = record.stack_info


def rfc3339(created: float) -> str:
    """Return an instant in seconds since 1970 as it stands in every line: UTC, to the millisecond."""
    return f"{datetime.fromtimestamp(created, UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def with_fields(record: logging.LogRecord) -> str:
    """Return a record's message and its fields in one line; what is not known is called so."""
    if record.name.startswith("prefect"):  # its fields are ids, and its message names what they stand for
        return record.getMessage()
    return " ".join([record.getMessage(), *(f"{name}={_shown(value)}" for name, value in _fields(record))])


def _scrub_message(record: logging.LogRecord) -> None:
    """Take secrets out of the message. One that does not fit its arguments is kept with them, and not complained of."""
    try:
        said = record.getMessage()
    except Exception:  # noqa: BLE001 - logging would print the arguments as they are
        said = f"{record.msg} {record.args!r}"
        record.msg, record.args = said, ()
    if (clean := scrub(said)) != said:
        record.msg, record.args = clean, ()


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    """Yield what a record carries besides, what it is about first."""
    given = {k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
    about = [name for name in ("account", "run", "plan") if name in given]
    for name in [*about, *(name for name in given if name not in about)]:
        yield name, given[name]


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    text = str(value.value if isinstance(value, Enum) else value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """Return a value as JSON has it: it knows no infinity, and no number that is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
