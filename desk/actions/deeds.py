"""What all actions share: the reason that somebody gives, and the line of the audit log that goes with a change."""

from functools import partial

from desk.desk import Desk
from models.errors import ConfigError
from models.people import Who
from models.store.desk_audit import Deed, note
from models.store.engine import Also


def given(reason: str) -> str:
    """Return a reason without the space around it. Raises: ConfigError for one that says nothing."""
    if not reason.strip():
        raise ConfigError("reason", "is empty", "a sentence for whoever reads the history")
    return reason.strip()


def noted(desk: Desk, who: Who, deed: Deed) -> Also:
    """Return what writes a deed into the audit log, in the transaction that does it."""
    return partial(note, who=who, deed=deed, now=desk.clock.now())
