"""`nija desk` on the terminal: who may use it, what programs may, and a port that is taken."""

import re
import socket

import pytest

from tests.cli.command import Nija

pytestmark = pytest.mark.wire


def test_people_are_let_in_and_out_from_the_terminal_and_no_secret_stays(offline: Nija) -> None:
    offline.environment["NIJA_DESK_URL"] = "https://desk.example"
    admin = offline("desk", "people", "add", "root-admin", "--role", "admin")
    ops = offline("desk", "people", "add", "ops")
    again = offline("desk", "people", "add", "ops")
    wrong = offline("desk", "people", "add", "Maria!")
    raised = offline("desk", "people", "role", "ops", "operator")
    token = offline("desk", "tokens", "add", "bot", "--person", "ops", "--permit", "entry-check")
    nobodys = offline("desk", "tokens", "add", "bot", "--person", "nobody", "--permit", "read")
    people = offline("desk", "people", "list", "--json").report["people"]
    tokens = offline("desk", "tokens", "list", "--json").report["tokens"]
    revoked = offline("desk", "tokens", "revoke", "1")
    gone = offline("desk", "people", "remove", "ops")
    last = offline("desk", "people", "remove", "root-admin")

    links = [re.fullmatch(r"https://desk\.example/welcome#([\w-]{43})\n", ran.out) for ran in (admin, ops)]
    secrets = [found[1] for found in links if found] + [token.out.strip()]
    assert len(secrets) == 3
    assert [ran.code for ran in (again, wrong, raised, nobodys, revoked, gone, last)] == [1, 1, 0, 1, 0, 0, 1]
    assert "is the only admin" in last.complaint
    assert [(one["name"], one["role"], one["has_password"]) for one in people] == [
        ("ops", "operator", False),
        ("root-admin", "admin", False),
    ]
    assert [(one["name"], one["person"], one["permits"]) for one in tokens] == [("bot", "ops", ["entry-check"])]
    kept = [file.read_bytes() for file in offline.home.rglob("*") if file.is_file()]
    assert not any(secret.encode() in held for secret in secrets for held in kept)


def test_a_taken_port_is_one_line(offline: Nija) -> None:
    offline.writes_fleet({"version": 1, "accounts": [{"id": "platform", "kind": "platform", "venue": "kraken"}]})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]

        ran = offline("desk", "--port", str(taken))

    assert ran.code == 1
    assert f"--port: 127.0.0.1:{taken}: Address already in use" in ran.complaint
