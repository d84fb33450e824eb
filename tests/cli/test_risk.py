"""`nija risk`: a limit is set aside for a while, with who, until when and why, and holds again when it is revoked."""

import pytest

from models.errors import ConfigError
from tests.cli.test_by_hand import WHY, Desk, desk

__all__ = ["desk"]


def override(desk: Desk, limit: str = "daily_loss", span: str = "2h", account: str = "alice") -> str:
    return desk("risk", "override", "--account", account, "--limit", limit, "--for", span, *WHY).stdout


def revoke(desk: Desk, limit: str = "daily_loss") -> str:
    return desk("risk", "revoke", "--account", "alice", "--limit", limit, *WHY).stdout


def test_a_limit_is_set_aside_listed_and_holds_again(desk: Desk) -> None:
    told = override(desk)
    (listed,) = desk.listed("risk", "--account", "alice")
    shown = desk("risk", "list").stdout
    revoke(desk)

    assert "daily_loss is set aside until" in told
    assert (listed["account"], listed["limit"], listed["block"], listed["reason"]) == (
        "alice",
        "daily_loss",
        "daily_loss",
        WHY[1],
    )
    assert listed["by"]
    assert WHY[1] in shown
    assert desk.listed("risk") == []
    assert "no limit is set aside" in desk("risk", "list").stdout
    with pytest.raises(ConfigError, match="is not set aside"):
        revoke(desk)


def test_both_are_kept_as_decisions(desk: Desk) -> None:
    override(desk, "global", "1d")
    revoke(desk, "global")

    revoked, made = desk.listed("decisions", "--account", "alice")

    assert (revoked["decision"], revoked["reason"]) == ("revoke the override of global_limit", WHY[1])
    assert made["decision"].startswith("override global until ")


@pytest.mark.parametrize(
    ("limit", "span", "account", "says"),
    [
        ("cap_reached", "2h", "alice", "cannot be set aside"),
        ("size", "25h", "alice", "1m to 24h"),
        ("size", "2d", "alice", "1m to 24h"),
        ("size", "0h", "alice", "1m to 24h"),
        ("size", "soon", "alice", "1m to 24h"),
        ("size", "2h", "carol", "'carol' is not in"),
    ],
)
def test_what_cannot_be_set_aside_is_refused(desk: Desk, limit: str, span: str, account: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        override(desk, limit, span, account)

    assert desk.listed("risk") == []
