"""When a channel is told: its quiet hours, and how long to wait after a failure. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from models.channel import QuietHours

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=1)
WORRYING_AFTER = timedelta(minutes=15)  # what is critical and has not arrived for so long must be known elsewhere
_DOUBLINGS = 7  # more of them only pass the longest pause


def pause_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    doublings = min(max(failures, 1) - 1, _DOUBLINGS)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def quiet_until(quiet: QuietHours | None, now: datetime) -> datetime | None:
    """Return when the quiet hours end that `now` falls into; None: it falls into none.

    The hours are those of the clock on the wall: a night in which it is set back is longer.
    """
    if quiet is None or quiet.start == quiet.end:
        return None
    wall = now.astimezone(ZoneInfo(quiet.timezone))
    hour = wall.time()
    over_midnight = quiet.start > quiet.end
    has_begun, has_ended = hour >= quiet.start, hour >= quiet.end
    if (has_ended and not has_begun) if over_midnight else (has_ended or not has_begun):
        return None
    day = wall.date() + timedelta(days=over_midnight and has_begun)
    # In the hour that comes twice, the end is the one that is still ahead.
    ends = (datetime.combine(day, quiet.end, wall.tzinfo).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next((end for end in ends if end > now), None)
