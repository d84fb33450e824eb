"""`nija keys`: keys go in hidden or piped, are listed without being shown, and leave when a person says so."""

import json
import os
import pty
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from brokers.simulator.handle import RunningVenue
from cli.main import app
from models.errors import ConfigError, NijaError
from tests import forked
from tests.cli.command import Nija, _read_until

KEY, SECRET, PASSPHRASE = "the-api-key-0123", "dGhlLXNlY3JldC0wMTIz", "the pass phrase"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIx0123\n-----END EC PRIVATE KEY-----"


class Desk:
    """An operator's folder, and `nija keys` in this process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = folder / "home"
        self.fleet = folder / "fleet.yaml"
        self._environment = monkeypatch
        monkeypatch.setenv("NIJA_HOME", str(self.home))
        monkeypatch.setenv("NIJA_FLEET", str(self.fleet))
        self.opens(alice="kraken", bob="okx")

    def opens(self, **accounts: str) -> None:
        """Write a fleet file of accounts at venues."""
        rows = [{"id": name, "kind": "user", "venue": venue, "quote": "USDT"} for name, venue in accounts.items()]
        self.fleet.write_text(yaml.safe_dump({"version": 1, "accounts": rows}))

    def knows(self, **variables: str) -> None:
        for name, value in variables.items():
            self._environment.setenv(name, value)

    def __call__(self, *arguments: str, given: str = "") -> Result:
        """Run a command. A fault is raised; whatever is said must not show a key."""
        result = CliRunner().invoke(app, ["keys", *arguments], input=given, standalone_mode=False)
        for secret in (KEY, SECRET, PASSPHRASE, "MHcCAQEEIIx0123"):
            assert secret not in f"{result.output} {result.stderr} {result.exception!r} {result.exception}"
        if isinstance(result.exception, NijaError):
            raise result.exception
        assert result.exception is None, result.exception
        return result

    def adds(self, account: str = "alice", *more: str, key: str = KEY, **document: str) -> Result:
        """Add keys through stdin."""
        whole = {"api_key": key, "api_secret": SECRET} | document
        return self("add", "--account", account, "--stdin", *more, given=json.dumps(whole))

    def listed(self) -> dict[str, dict[str, Any]]:
        """What `list --json` says, by account."""
        result = self("list", "--json")
        return {line["account"]: line for line in json.loads(result.stdout)["accounts"]}

    def sources(self) -> dict[str, tuple[str, bool]]:
        """Where each account's keys come from, and whether anything is noted."""
        return {name: (line["source"], line["problem"] is not None) for name, line in self.listed().items()}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_keys_are_added_through_stdin_and_listed_without_being_shown(desk: Desk) -> None:
    added = desk.adds()
    desk.adds("bob", api_passphrase=PASSPHRASE)
    shown = desk("list")

    assert added.return_value == 0
    assert "Back it up" in added.stderr
    lines = desk.listed()
    assert all(line["source"] == "vault" and line["problem"] is None for line in lines.values())
    assert lines["alice"]["fingerprint"] == lines["bob"]["fingerprint"]
    assert lines["alice"]["fingerprint"] in added.stdout
    assert lines["alice"]["fingerprint"] in shown.stdout
    assert lines["alice"]["added_by"]
    assert (desk.home / "master.key").stat().st_mode & 0o777 == 0o600


def test_keys_are_told_apart_and_not_overwritten_unasked(desk: Desk) -> None:
    desk.adds()
    before = desk.listed()["alice"]["fingerprint"]
    with pytest.raises(ConfigError, match=r"'alice' has keys already .*--replace"):
        desk.adds(key="another")
    still = desk.listed()["alice"]["fingerprint"]
    desk.adds("alice", "--replace", key="another")

    assert before == still != desk.listed()["alice"]["fingerprint"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "--stdin: Invalid JSON"),
        ("[]", "--stdin: Input should be an object"),
        ("{}", "--stdin: api_key Field required"),
        (f'{{"api_key": "{KEY}", "api_secret": "{SECRET}"', "--stdin: Invalid JSON"),
        (f'{{"api_key": ["{KEY}"], "api_secret": "s"}}', "--stdin: api_key Input should be a valid string"),
        (f'{{"api_key": "k", "api_secret": "s", "{SECRET}": "x"}}', "--stdin: holds an unknown field"),
        ('{"api_key": "k"}', "API secret: is empty"),
        ('{"api_key": " ", "api_secret": "s"}', "API key: is empty"),
        ('{"api_key": "two words", "api_secret": "s"}', "API key: has a space"),
        ('{"api_key": "k\\nX-Header: 1", "api_secret": "s"}', "API key: has a line break"),
        ('{"api_key": "k", "api_secret": "s\\u00e9"}', "API secret: has a line break or a character in it"),
        ('{"api_key": "k", "api_secret": "-----BEGIN EC PRIVATE KEY-----"}', "API secret: is only the beginning"),
        (f'{{"api_key": "{KEY}", "api_secret": "{SECRET}"}}', "API passphrase: is empty"),
    ],
)
def test_what_cannot_be_keys_is_refused_and_not_shown(desk: Desk, given: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        desk("add", "--account", "bob", "--stdin", given=given)

    assert str(caught.value).startswith(words)
    assert desk.sources()["bob"] == ("none", False)
    assert not (desk.home / "master.key").exists()


@pytest.mark.parametrize("pasted", [PEM, PEM.replace("\n", "\\n"), PEM + "\n"])
def test_a_private_key_may_have_its_line_breaks_or_escaped_ones(desk: Desk, pasted: str) -> None:
    assert desk.adds(api_secret=pasted).return_value == 0


def test_a_private_key_is_read_from_a_file(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(PEM + "\n")
    from_file = ("--stdin", "--secret-file", str(tmp_path / "key.pem"))

    added = desk("add", "--account", "alice", *from_file, given=json.dumps({"api_key": KEY}))

    assert added.return_value == 0
    with pytest.raises(ConfigError, match="stdin has an api_secret, too"):
        desk(
            "add", "--account", "alice", "--replace", *from_file, given=json.dumps({"api_key": "k", "api_secret": "s"})
        )
    with pytest.raises(ConfigError, match=r"nowhere\.pem: cannot be read"):
        desk("add", "--account", "bob", "--stdin", "--secret-file", "nowhere.pem", given=json.dumps({"api_key": KEY}))


def test_without_a_terminal_nothing_is_asked(desk: Desk) -> None:
    with pytest.raises(ConfigError, match=r"no terminal to ask on .*--stdin"):
        desk("add", "--account", "alice", given=f"{KEY}\n{SECRET}\n")
    with pytest.raises(ConfigError, match=r"no terminal to ask on .*--yes"):
        desk("remove", "--account", "alice", given="y\n")


def test_only_accounts_of_the_fleet_get_keys_and_all_of_them_can_be_removed(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="'carol' is not in"):
        desk.adds("carol")
    desk.adds("alice")
    desk.opens(bob="okx")

    left = desk.listed()["alice"]
    removed = desk("remove", "--account", "alice", "--yes")

    assert (left["venue"], left["source"], left["problem"]) == (None, "none", "is not in the fleet file")
    assert removed.return_value == 0
    assert set(desk.listed()) == {"bob"}
    with pytest.raises(ConfigError, match="no keys of 'alice' are stored"):
        desk("remove", "--account", "alice", "--yes")


def test_the_list_says_where_a_run_would_take_each_account_s_keys_from(desk: Desk) -> None:
    desk.opens(given="kraken", both="kraken", half="kraken", stored="kraken", none="kraken")
    rows = yaml.safe_load(desk.fleet.read_text())
    rows["accounts"].append({"id": "played", "kind": "user", "venue": "kraken", "simulated": "world.yaml"})
    desk.fleet.write_text(yaml.safe_dump(rows))
    for account in ("given", "both"):
        desk.knows(**{f"NIJA_{account.upper()}_API_KEY": KEY, f"NIJA_{account.upper()}_API_SECRET": SECRET})
    desk.knows(NIJA_HALF_API_KEY=KEY)
    for account in ("both", "half", "stored", "played"):
        desk.adds(account, key=f"stored-{account}")

    assert desk.sources() == {
        "given": ("environment", False),
        "both": ("environment", True),
        "half": ("none", True),
        "stored": ("vault", False),
        "none": ("none", False),
        "played": ("simulated", False),
    }
    lines = desk.listed()
    assert lines["given"]["fingerprint"] == lines["both"]["fingerprint"] != lines["stored"]["fingerprint"]


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda file: file.unlink(), "VAULT_LOCKED"),
        (lambda file: file.write_bytes(Fernet.generate_key()), "VAULT_LOCKED"),
        (lambda file: file.chmod(0o644), "CONFIG_ERROR"),
        (lambda file: file.write_text(""), "CONFIG_ERROR"),
    ],
)
def test_a_lost_or_wrong_master_key_is_told_at_each_account(desk: Desk, harm: Any, code: str) -> None:
    desk.adds("alice")
    desk.knows(NIJA_BOB_API_KEY=KEY, NIJA_BOB_API_SECRET=SECRET)

    harm(desk.home / "master.key")

    lines = desk.listed()
    assert lines["alice"]["problem"].startswith(code)
    assert (lines["bob"]["source"], lines["bob"]["problem"]) == ("environment", None)


def test_keys_are_added_again_after_the_master_key_was_lost(desk: Desk) -> None:
    desk.adds("alice")
    desk.adds("bob", api_passphrase=PASSPHRASE)
    (desk.home / "master.key").unlink()

    again = desk.adds("alice", "--replace")

    assert "VAULT_LOCKED" not in again.stdout
    assert "the stored keys of bob cannot be opened" in again.stderr
    assert desk.sources() == {"alice": ("vault", False), "bob": ("vault", True)}


def test_a_rotation_changes_the_master_key_and_keeps_the_keys(desk: Desk) -> None:
    desk.adds("alice")
    before = (desk.home / "master.key").read_text()

    done = desk("rotate")

    assert (done.return_value, desk.sources()["alice"]) == (0, ("vault", False))
    assert (desk.home / "master.key").read_text() != before
    assert "1 tokens encrypted anew" in done.stdout


def test_a_rotation_in_the_environment_says_what_to_do_next(desk: Desk) -> None:
    old, new = (Fernet.generate_key().decode() for _ in "ab")
    desk.knows(NIJA_MASTER_KEY=old)
    desk.adds("alice")
    first = desk("rotate")
    desk.knows(NIJA_MASTER_KEY=f"{new},{old}")
    second = desk("rotate")
    desk.knows(NIJA_MASTER_KEY=new)

    assert "set NIJA_MASTER_KEY=NEW,OLD" in first.stderr
    assert "take the other 1 out of NIJA_MASTER_KEY" in second.stderr
    assert desk.sources()["alice"] == ("vault", False)
    assert not any(key in f"{r.output}{r.stderr}" for key in (old, new) for r in (first, second))
    assert not (desk.home / "master.key").exists()


def test_a_rotation_that_left_keys_locked_is_a_fault(desk: Desk) -> None:
    desk.adds("alice")
    (desk.home / "master.key").unlink()
    desk.adds("bob", api_passphrase=PASSPHRASE)

    done = desk("rotate")

    assert done.return_value == 1
    assert "VAULT_LOCKED the stored keys of alice cannot be opened" in done.stderr
    assert desk.sources() == {"alice": ("vault", True), "bob": ("vault", False)}


@pytest.mark.parametrize("given", ["nonsense", " ", ","])
def test_a_wrong_master_key_in_the_environment_is_named_and_not_shown(desk: Desk, given: str) -> None:
    desk.knows(NIJA_MASTER_KEY=given)

    with pytest.raises(ConfigError, match="environment NIJA_MASTER_KEY: ") as caught:
        desk.adds()

    assert "nonsense" not in str(caught.value)


@pytest.mark.wire
def test_stored_keys_are_tried_at_their_venue(desk: Desk, kraken: RunningVenue) -> None:
    rows = [
        {"id": name, "kind": "user", "venue": "kraken", "url": kraken.url, "quote": "USD"}
        for name in ("platform", "second")
    ]
    desk.fleet.write_text(yaml.safe_dump({"version": 1, "accounts": rows}))
    key, secret, _ = kraken.credentials("platform")
    desk.adds("platform", key=key, api_secret=secret)
    desk.adds("second", key="a-wrong-key")

    good = desk("test", "--account", "platform", "--json")
    both = desk("test")

    (examined,) = json.loads(good.stdout)["accounts"]
    assert (good.return_value, both.return_value) == (0, 1)
    found = {line["check"]: line for line in examined["checks"]}
    assert (found["credentials"]["verdict"], found["keys"]["verdict"]) == ("ok", "ok")
    assert "AUTHENTICATION" in both.stdout


@pytest.mark.wire
def test_keys_are_asked_for_at_the_terminal_without_being_shown(offline: Nija) -> None:
    offline.writes_fleet("version: 1\naccounts: [{id: bob, kind: user, venue: okx, quote: USDT}]\n")

    seen, code = at_terminal(
        offline,
        ("keys", "add", "--account", "bob"),
        (("API key: ", KEY), ("API secret: ", PEM.replace("\n", "\\n")), ("API passphrase: ", PASSPHRASE)),
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
    )

    assert code == 0, seen
    assert "bob: keys stored" in seen
    assert not any(part in seen for part in (KEY, "MHcCAQEEIIx0123", PASSPHRASE))
    kept = b"".join(path.read_bytes() for path in offline.home.rglob("*") if path.is_file())
    assert not any(part.encode() in kept for part in (KEY, "MHcCAQEEIIx0123", PASSPHRASE))
    assert stat.S_IMODE((offline.home / "master.key").stat().st_mode) == 0o600


@pytest.mark.wire
def test_a_fault_is_one_line_and_exit_1(offline: Nija) -> None:
    offline.writes_fleet("version: 1\naccounts: [{id: alice, kind: platform, venue: kraken}]\n")

    ran = offline("keys", "add", "--account", "alice", "--stdin")  # stdin is empty

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith("CONFIG_ERROR --stdin: Invalid JSON")


def at_terminal(
    nija: Nija, arguments: tuple[str, ...], answers: tuple[tuple[str, str], ...], env: Mapping[str, str]
) -> tuple[str, int]:
    """Run a command at a terminal of its own, answer its prompts, and return what the terminal showed."""
    operator, terminal = pty.openpty()
    environment = nija.environment | {"TERM": "dumb"} | dict(env)
    process = forked.nija(arguments, env=environment, cwd=nija.folder, streams=(terminal,) * 3)
    os.close(terminal)
    seen = ""
    for prompt, answer in answers:
        seen += _read_until(operator, prompt)
        os.write(operator, f"{answer}\n".encode())
    seen += _read_until(operator, None)
    os.close(operator)
    return seen, process.join(60)
