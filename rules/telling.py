"""What people are told, in words: one matter, or many in one message. Pure."""

from collections.abc import Sequence
from datetime import datetime

from models.alert import Severity
from models.channel import RANK, Delivery, Message, Word

HANDFUL = 5
_STUBBORN = 6
MOST_LINES = 20  # services cut what is longer
_LONGEST_LINE = 400
REPEATED = "This may be a repetition: an earlier attempt got no answer, or was cut off before it."


def together(due: Sequence[Delivery]) -> Sequence[Delivery]:
    """Return which of these, in their order, the next message tells of: what is critical first, and one by one.

    What quiet hours held back, and more than a handful at once, goes in one message. What was not tried yet goes first,
    and what has failed many times alone: it may be the very thing that the service refuses.
    """
    untried = [one for one in due if one.attempts == 0] or list(due)
    urgent = [one for one in untried if one.is_urgent]
    chosen = urgent or untried
    is_many = len(chosen) > HANDFUL or (not urgent and any(one.held_until is not None for one in chosen))
    is_stubborn = all(one.attempts >= _STUBBORN for one in chosen)
    return chosen if is_many and not is_stubborn else chosen[:1]


def told(deliveries: Sequence[Delivery]) -> Message:
    """Return the one message that tells of all of these, at least one."""
    return _one(deliveries[0]) if len(deliveries) == 1 else _many(deliveries)


def _one(one: Delivery) -> Message:
    is_over = one.word is Word.OVER
    head = "over" if is_over else one.severity.value
    lines = [_cut(one.message), f"{'over' if is_over else 'since'} {_words(one.happened_at)}"]
    if one.over_at is not None and not is_over:
        lines.append(f"it is over since {_words(one.over_at)}")
    if one.was_interrupted:
        lines.append(REPEATED)
    lines.append(f"[{one.event}]")
    return Message(f"Nija {head}: {one.title}", "\n".join(lines), one.severity, is_over)


def _many(deliveries: Sequence[Delivery]) -> Message:
    worst = max((d.severity for d in deliveries), key=RANK.__getitem__)
    is_over = all(d.word is Word.OVER for d in deliveries)
    lines = [_line(d) for d in deliveries[:MOST_LINES]]
    if len(deliveries) > MOST_LINES:
        lines.append(f"and {len(deliveries) - MOST_LINES} more: nija alerts deliveries")
    if any(d.was_interrupted for d in deliveries):
        lines.append(REPEATED)
    lines.append(f"[{deliveries[0].event} and {len(deliveries) - 1} more]")
    severity = Severity.INFO if is_over else worst
    return Message(f"Nija: {len(deliveries)} alerts", "\n".join(lines), severity, is_over)


def _line(one: Delivery) -> str:
    over = "" if one.over_at is None or one.word is Word.OVER else f" (over since {_words(one.over_at)})"
    head = "over" if one.word is Word.OVER else one.severity.value
    return f"{_words(one.happened_at)} {head} {one.title}: {_cut(one.message)}{over}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _words(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
