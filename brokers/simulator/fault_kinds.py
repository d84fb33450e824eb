"""List the faults: whether the venue still acts, what it waits for, and what the client hears instead of the truth.

A new fault is a name, a row in the table and, where none of the functions fits, one small function.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from brokers.simulator.candle_lies import (
    future_row,
    lied,
    longer_timeframe,
    nan_row,
    negative_row,
    shuffled,
    spike,
)
from brokers.simulator.distortions import an_hour_old, huge, not_a_number, other_type
from brokers.simulator.refusals import Reason, Refusal
from brokers.simulator.wire import Answer, Wire


class Fault(StrEnum):
    """What goes wrong."""

    REFUSE_BEFORE = "refuse_before"
    DROP_AFTER = "drop_after"
    DELAY = "delay"
    DELAY_AFTER = "delay_after"
    HANG = "hang"
    HANG_AFTER = "hang_after"
    STATUS = "status"
    STATUS_AFTER = "status_after"
    HTML = "html"
    HTML_AFTER = "html_after"
    EMPTY = "empty"
    EMPTY_OBJECT = "empty_object"
    EMPTY_RESULT = "empty_result"
    TRUNCATED = "truncated"
    ERROR = "error"
    ERROR_AFTER = "error_after"
    RATE_LIMITED = "rate_limited"
    MAINTENANCE = "maintenance"
    INVALID_NONCE = "invalid_nonce"
    CLOCK_ERROR = "clock_error"
    AUTH_REVOKED = "auth_revoked"
    NAN_NUMBERS = "nan_numbers"
    NULL_FIELDS = "null_fields"
    DUPLICATED_ROWS = "duplicated_rows"
    MISSING_ROWS = "missing_rows"
    WRONG_TYPES = "wrong_types"
    HUGE_NUMBERS = "huge_numbers"
    OLD_TIMES = "old_times"
    SHUFFLED_ROWS = "shuffled_rows"
    FUTURE_ROW = "future_row"
    NAN_ROW = "nan_row"
    NEGATIVE_ROW = "negative_row"
    SPIKE = "spike"
    WRONG_TIMEFRAME = "wrong_timeframe"
    SLOW = "slow"
    GONE_AFTER = "gone_after"
    DELISTED = "delisted"
    HALTED = "halted"
    PRICE_ZERO = "price_zero"
    PRICE_GONE = "price_gone"
    PARTIAL_FILLS = "partial_fills"
    NO_FILLS = "no_fills"
    FILLED_AFTER_CANCEL = "filled_after_cancel"
    BALANCE_LAG = "balance_lag"


class Silence(StrEnum):
    """The client gets no answer at all."""

    RESET = "reset"
    HANG = "hang"


class Wait(StrEnum):
    """When the rule's seconds pass; `within`: between the halves of the answer."""

    NEVER = "never"
    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


class Turn(StrEnum):
    """When the venue itself changes, seen from the call: `brokers.simulator.turns` says how."""

    NEVER = "never"
    BEFORE = "before"
    AFTER = "after"


class Terms(Protocol):
    """Parameters of a fault, as a rule states them."""

    @property
    def status(self) -> int | None:
        """HTTP status."""

    @property
    def body(self) -> str | None:
        """Text to answer with."""

    @property
    def code(self) -> str | int | None:
        """Venue's own error code or text."""

    @property
    def message(self) -> str | None:
        """Venue's own words beside the code."""

    @property
    def fraction(self) -> float:
        """Share of the rows concerned."""


Told = Callable[[Terms, Wire, Answer], Answer | Silence]
_VERDICTS = frozenset({"error", "code", "sCode"})  # whether a call went well, in the venues' own fields


@dataclass(frozen=True, slots=True)
class FaultKind:
    """`told` makes what the client hears out of the true answer (an empty 200 where nothing was executed)."""

    executed: bool
    told: Told
    wait: Wait = Wait.NEVER
    turn: Turn = Turn.NEVER
    leaves: bool = False  # after the answer nothing listens for the rule's seconds


def _truth(_terms: Terms, _wire: Wire, true: Answer) -> Answer:
    return true


def _silence(kind: Silence) -> Told:
    return lambda _terms, _wire, _true: kind


def _status(terms: Terms, _wire: Wire, _true: Answer) -> Answer:
    return Answer(terms.status or 503, (terms.body or "").encode(), "text/plain")


def _html(terms: Terms, _wire: Wire, _true: Answer) -> Answer:
    page = terms.body or "<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>"
    return Answer(terms.status or 200, page.encode(), "text/html")


def _fixed(text: str) -> Told:
    return lambda terms, _wire, _true: Answer(terms.status or 200, text.encode())


def _empty_result(_terms: Terms, wire: Wire, true: Answer) -> Answer:
    return replace(true, body=json.dumps(wire.emptied(json.loads(true.body))).encode())


def _truncated(_terms: Terms, _wire: Wire, true: Answer) -> Answer:
    return replace(true, body=true.body[: len(true.body) // 2])


def _error(terms: Terms, wire: Wire, _true: Answer) -> Answer:
    return wire.refused(wire.verbatim(terms.code, terms.message, terms.status))


def _refused(reason: Reason) -> Told:
    return lambda _terms, wire, _true: wire.refused(Refusal(reason))


def _each_value(change: Callable[[Any], Any]) -> Told:
    """Change the values of the answer, leaving its shape and the venue's own verdict on the call as they are."""

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: value if name in _VERDICTS else walk(value) for name, value in node.items()}
        return [walk(value) for value in node] if isinstance(node, list) else change(node)

    return lambda _terms, _wire, true: replace(true, body=json.dumps(walk(json.loads(true.body))).encode())


def _old(_terms: Terms, _wire: Wire, true: Answer) -> Answer:
    return replace(true, body=json.dumps(an_hour_old(json.loads(true.body))).encode())


def _candles(lie: Callable[[list[Any]], list[Any]]) -> Told:
    """Change rows that begin with a time."""
    return lambda _terms, _wire, true: replace(true, body=json.dumps(lied(json.loads(true.body), lie)).encode())


def _rows(keep: Callable[[list[Any], float], list[Any]]) -> Told:
    """Change which rows the answer has: entries of every list of rows, and of Kraken's objects keyed by id."""

    def walk(node: Any, fraction: float) -> Any:
        if isinstance(node, list):
            return keep(node, fraction) if node and isinstance(node[0], dict | list) else node
        if not isinstance(node, dict):
            return node
        rows = [(name, walk(value, fraction)) for name, value in node.items()]
        if rows and all(isinstance(value, dict) for _, value in rows):
            return dict(keep([list(row) for row in rows], fraction))
        return dict(rows)

    def told(terms: Terms, _wire: Wire, true: Answer) -> Answer:
        answer = json.loads(true.body)
        if isinstance(answer, dict) and isinstance(answer.get("result"), dict):
            changed: Any = answer | {"result": walk(answer["result"], terms.fraction)}
        else:
            changed = walk(answer, terms.fraction)
        return replace(true, body=json.dumps(changed).encode())

    return told


def _fewer(rows: list[Any], fraction: float) -> list[Any]:
    return rows[: len(rows) - math.ceil(len(rows) * fraction)]


FAULTS: dict[Fault, FaultKind] = {
    Fault.REFUSE_BEFORE: FaultKind(executed=False, told=_silence(Silence.RESET)),
    Fault.DROP_AFTER: FaultKind(executed=True, told=_silence(Silence.RESET)),
    Fault.DELAY: FaultKind(executed=True, told=_truth, wait=Wait.BEFORE),
    Fault.DELAY_AFTER: FaultKind(executed=True, told=_truth, wait=Wait.AFTER),
    Fault.HANG: FaultKind(executed=False, told=_silence(Silence.HANG)),
    Fault.HANG_AFTER: FaultKind(executed=True, told=_silence(Silence.HANG)),
    Fault.STATUS: FaultKind(executed=False, told=_status),
    Fault.STATUS_AFTER: FaultKind(executed=True, told=_status),
    Fault.HTML: FaultKind(executed=False, told=_html),
    Fault.HTML_AFTER: FaultKind(executed=True, told=_html),
    Fault.EMPTY: FaultKind(executed=False, told=_fixed("")),
    Fault.EMPTY_OBJECT: FaultKind(executed=False, told=_fixed("{}")),
    Fault.EMPTY_RESULT: FaultKind(executed=True, told=_empty_result),
    Fault.TRUNCATED: FaultKind(executed=True, told=_truncated),
    Fault.ERROR: FaultKind(executed=False, told=_error),
    Fault.ERROR_AFTER: FaultKind(executed=True, told=_error),
    Fault.RATE_LIMITED: FaultKind(executed=False, told=_refused(Reason.RATE_LIMITED)),
    Fault.MAINTENANCE: FaultKind(executed=False, told=_refused(Reason.MAINTENANCE)),
    Fault.INVALID_NONCE: FaultKind(executed=False, told=_refused(Reason.INVALID_NONCE)),
    Fault.CLOCK_ERROR: FaultKind(executed=False, told=_refused(Reason.CLOCK_AHEAD)),
    Fault.AUTH_REVOKED: FaultKind(executed=False, told=_refused(Reason.INVALID_KEY)),
    Fault.NAN_NUMBERS: FaultKind(executed=True, told=_each_value(not_a_number)),
    Fault.NULL_FIELDS: FaultKind(executed=True, told=_each_value(lambda _value: None)),
    Fault.DUPLICATED_ROWS: FaultKind(executed=True, told=_rows(lambda rows, _fraction: rows + rows)),
    Fault.MISSING_ROWS: FaultKind(executed=True, told=_rows(_fewer)),
    Fault.WRONG_TYPES: FaultKind(executed=True, told=_each_value(other_type)),
    Fault.HUGE_NUMBERS: FaultKind(executed=True, told=_each_value(huge)),
    Fault.OLD_TIMES: FaultKind(executed=True, told=_old),
    Fault.SHUFFLED_ROWS: FaultKind(executed=True, told=_candles(shuffled)),
    Fault.FUTURE_ROW: FaultKind(executed=True, told=_candles(future_row)),
    Fault.NAN_ROW: FaultKind(executed=True, told=_candles(nan_row)),
    Fault.NEGATIVE_ROW: FaultKind(executed=True, told=_candles(negative_row)),
    Fault.SPIKE: FaultKind(executed=True, told=_candles(spike)),
    Fault.WRONG_TIMEFRAME: FaultKind(executed=True, told=_candles(longer_timeframe)),
    Fault.SLOW: FaultKind(executed=True, told=_truth, wait=Wait.WITHIN),
    Fault.GONE_AFTER: FaultKind(executed=True, told=_truth, leaves=True),
    **{
        fault: FaultKind(executed=True, told=_truth, turn=Turn.BEFORE)
        for fault in (
            Fault.DELISTED,
            Fault.HALTED,
            Fault.PRICE_ZERO,
            Fault.PRICE_GONE,
            Fault.PARTIAL_FILLS,
            Fault.NO_FILLS,
            Fault.BALANCE_LAG,
        )
    },
    Fault.FILLED_AFTER_CANCEL: FaultKind(executed=True, told=_truth, turn=Turn.AFTER),
}
