"""A reason is a line for whoever reads the history, whichever way it was given."""

import pytest

from desk.actions.deeds import LONGEST_REASON, given
from models.errors import ConfigError


def test_a_reason_is_kept_without_the_space_around_it() -> None:
    assert given("  their news \n") == "their news"
    assert given("é" * LONGEST_REASON) == "é" * LONGEST_REASON


@pytest.mark.parametrize(
    "odd", ["", " \t\n", "a\0b", "one line\nand another", "\u202edrow", "x" * (LONGEST_REASON + 1)]
)
def test_what_is_no_line_is_no_reason(odd: str) -> None:
    """PostgreSQL keeps no NUL; a line of a log does not begin another; what is read stands as it was written."""
    with pytest.raises(ConfigError, match="reason"):
        given(odd)
