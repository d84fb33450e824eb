"""What all actions share: the reason that somebody gives, and the line of the audit log that goes with a change."""

from functools import partial

from desk.desk import Desk
from models.errors import ConfigError
from models.people import Who
from models.store.desk_audit import Deed, note
from models.store.engine import Also

LONGEST_REASON = 1000
_SENTENCE = "a sentence for whoever reads the history"


def given(reason: str) -> str:
    """Return a reason without the space around it. Raises: ConfigError for one that says nothing, or is no line.

    A page's field holds people to as much; whoever speaks to its socket by themselves is held here.
    """
    why = reason.strip()
    if not why:
        raise ConfigError("reason", "is empty", _SENTENCE)
    if len(why) > LONGEST_REASON or not why.isprintable():
        raise ConfigError("reason", f"is no line of up to {LONGEST_REASON} characters", _SENTENCE)
    return why


def noted(desk: Desk, who: Who, deed: Deed) -> Also:
    """Return what writes a deed into the audit log, in the transaction that does it."""
    return partial(note, who=who, deed=deed, now=desk.clock.now())
