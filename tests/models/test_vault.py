"""The vault: a token opens for its account and its master key alone, and a master key is found, made and replaced."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from pydantic import SecretStr

from models import master_key
from models.errors import ConfigError, VaultLocked
from models.master_key import MasterKeys, Place, find_master_keys, make_master_key, replace_master_keys
from models.settings import Credentials, MasterKeySettings
from models.vault import fingerprint, reseal, seal, unseal

PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----"
KEYS = Credentials(SecretStr("the-key"), SecretStr("the-secret"), SecretStr("the passphrase"))


class Remembering(KeyringBackend):
    """A keyring in memory; `asked` counts."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


class Broken(Remembering):
    """A keyring that is locked, or whose service is gone."""

    def get_password(self, *_: str) -> str | None:
        raise RuntimeError("the bus is gone")


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """Begin without a keyring, and leave none to the next test."""
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(fail.Keyring())


@pytest.fixture
def places(tmp_path: Path) -> MasterKeySettings:
    return MasterKeySettings(given=None, file=tmp_path / "home" / "master.key")


def a_master(*keys: str) -> MasterKeys:
    chosen = keys or (Fernet.generate_key().decode(),)
    return MasterKeys(tuple(SecretStr(key) for key in chosen), Place.FILE, "master.key")


def holds(path: Path, text: str | bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)


def plain(keys: MasterKeys) -> list[str]:
    return [key.get_secret_value() for key in keys.keys]


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1), st.none() | st.text(min_size=1), st.text(min_size=1))
def test_what_is_sealed_for_an_account_opens_again(key: str, secret: str, passphrase: str | None, account: str) -> None:
    given = Credentials(SecretStr(key), SecretStr(secret), None if passphrase is None else SecretStr(passphrase))
    master = a_master()

    assert unseal(master, account, seal(master, account, given)) == given


def test_a_private_key_keeps_its_line_breaks() -> None:
    master = a_master()

    found = unseal(master, "a", seal(master, "a", Credentials(SecretStr("k"), SecretStr(PEM))))

    assert found.api_secret.get_secret_value() == PEM


def test_a_token_in_another_account_s_row_is_refused() -> None:
    master = a_master()
    token = seal(master, "alice", KEYS)

    with pytest.raises(VaultLocked, match=r"stored keys of bob cannot be opened: .* another account's"):
        unseal(master, "bob", token)
    with pytest.raises(VaultLocked):
        reseal(master, "bob", token)


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: token[:0],
        lambda token: token[:1],
        lambda token: "é" + token[1:],
        lambda token: token[: len(token) // 2],
        lambda token: token[:-1],
        lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
    ],
)
def test_a_damaged_token_is_refused(damage: Any) -> None:
    master = a_master()

    with pytest.raises(VaultLocked):
        unseal(master, "alice", damage(seal(master, "alice", KEYS)))


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'"text"', b'{"account": "alice"}', b"\xff"])
def test_a_token_that_another_program_made_with_the_same_key_is_refused(document: bytes) -> None:
    master = a_master()

    with pytest.raises(VaultLocked):
        unseal(master, "alice", master.cipher.encrypt(document).decode())


@pytest.mark.parametrize("master", [a_master(), MasterKeys((), None, "looked everywhere")])
def test_a_wrong_or_lost_master_key_is_one_error_that_names_the_account_and_what_to_do(master: MasterKeys) -> None:
    token = seal(a_master(), "alice", KEYS)

    with pytest.raises(VaultLocked) as caught:
        unseal(master, "alice", token)

    assert (caught.value.code, caught.value.account) == ("VAULT_LOCKED", "alice")
    assert "restore the master key, or store them anew: nija keys add --account alice" in str(caught.value)
    assert master.where in str(caught.value)
    assert caught.value.__context__ is None  # a decryption's or a parser's error would be kept beside it


def test_the_newest_master_key_encrypts_and_every_one_decrypts() -> None:
    old = a_master()
    both = old.with_a_new_one
    from_before, new = seal(old, "alice", KEYS), seal(both, "alice", KEYS)

    assert unseal(both, "alice", from_before) == unseal(both, "alice", new) == KEYS
    assert unseal(both.newest, "alice", reseal(both, "alice", from_before)) == KEYS
    for master, token in ((old, new), (both.newest, from_before)):
        with pytest.raises(VaultLocked):
            unseal(master, "alice", token)


def test_a_fingerprint_tells_keys_apart_and_shows_nothing_of_them() -> None:
    prints = {fingerprint(SecretStr(f"key-{n}")) for n in range(50)}

    assert len(prints) == 50
    assert fingerprint(SecretStr("key-1")) == fingerprint(SecretStr("key-1"))
    assert all(len(p) == 12 and "key" not in p for p in prints)


def test_master_keys_print_as_asterisks() -> None:
    master = a_master()

    assert plain(master)[0] not in f"{master!r} {master}"


def test_the_environment_comes_before_the_file_and_the_file_before_the_keyring(places: MasterKeySettings) -> None:
    a, b, c = (Fernet.generate_key().decode() for _ in "abc")
    ring = Remembering()
    ring.entries["nija", "master-key"] = c
    keyring.set_keyring(ring)

    by_keyring = find_master_keys(places)
    asked = ring.asked
    holds(places.file, b + "\n")
    by_file = find_master_keys(places)
    by_environment = find_master_keys(MasterKeySettings(SecretStr(a), places.file))

    assert [(k.place, plain(k)) for k in (by_environment, by_file, by_keyring)] == [
        (Place.ENVIRONMENT, [a]),
        (Place.FILE, [b]),
        (Place.KEYRING, [c]),
    ]
    assert ring.asked == asked


@pytest.mark.parametrize("between", [",", "\n", " , ", "\n\n"])
def test_a_place_may_hold_several_keys(places: MasterKeySettings, between: str) -> None:
    two = [Fernet.generate_key().decode() for _ in "ab"]
    holds(places.file, between.join(two))

    assert plain(find_master_keys(places)) == two
    assert plain(find_master_keys(MasterKeySettings(SecretStr(between.join(two)), places.file))) == two


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_read_or_write_is_refused(places: MasterKeySettings, mode: int) -> None:
    key = Fernet.generate_key().decode()
    holds(places.file, key, mode)

    with pytest.raises(ConfigError, match=r"others may read the master key .*chmod 600") as caught:
        find_master_keys(places)

    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", " \n", ",", "not-a-key", b"\xff\xfe\x00", "QUJD", "kq8Zr2m1s0rDkS5l1oVvQ3N1b0x5YWJjZGVmZ2hpamts"[:-2]]
)
def test_what_is_no_key_is_refused_and_not_shown(places: MasterKeySettings, text: str | bytes) -> None:
    holds(places.file, text)

    with pytest.raises(ConfigError) as caught:
        find_master_keys(places)

    assert caught.value.where == str(places.file)
    assert caught.value.problem in {"holds no key", "key 1 of 1 is no Fernet key"}


def test_a_folder_or_a_pipe_in_the_key_s_place_is_refused_at_once(places: MasterKeySettings) -> None:
    places.file.mkdir(parents=True)
    with pytest.raises(ConfigError, match="is not a file"):
        find_master_keys(places)
    places.file.rmdir()
    os.mkfifo(places.file)
    with pytest.raises(ConfigError, match="is not a file"):
        find_master_keys(places)


def test_the_first_master_key_is_its_owner_s_alone_and_is_never_overwritten(places: MasterKeySettings) -> None:
    before = os.umask(0)
    try:
        first = make_master_key(places)
    finally:
        os.umask(before)
    again = make_master_key(places)

    assert plain(first) == plain(again) == plain(find_master_keys(places))
    assert places.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in places.file.parent.iterdir()] == ["master.key"]


def test_a_broken_file_in_its_place_is_not_overwritten_either(places: MasterKeySettings, tmp_path: Path) -> None:
    holds(places.file, "something precious")
    with pytest.raises(ConfigError):
        make_master_key(places)
    linked = MasterKeySettings(None, tmp_path / "link")
    linked.file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="a link to a file that is not there"):
        make_master_key(linked)

    assert places.file.read_text() == "something precious"


def test_a_set_of_keys_replaces_another_whole_and_through_a_link(places: MasterKeySettings, tmp_path: Path) -> None:
    old = make_master_key(places)
    holds(places.file.with_name(".master.key.new"), "half a ke")  # a process was killed here
    linked = MasterKeySettings(None, tmp_path / "link")
    linked.file.symlink_to(places.file)

    new = find_master_keys(linked).with_a_new_one
    replace_master_keys(linked, new)

    assert plain(find_master_keys(places)) == plain(new)
    assert plain(new)[1:] == plain(old)
    assert linked.file.is_symlink()
    assert places.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in places.file.parent.iterdir()] == ["master.key"]


def test_a_master_key_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    holds(tmp_path / "taken", "a file where a folder should be")

    with pytest.raises(ConfigError, match="the master key cannot be written"):
        make_master_key(MasterKeySettings(None, tmp_path / "taken" / "master.key"))


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, Remembering])
def test_without_a_keyring_or_an_entry_in_it_no_key_is_found(places: MasterKeySettings, backend: Any) -> None:
    keyring.set_keyring(backend())

    found = find_master_keys(places)

    assert (found.keys, found.place) == ((), None)
    assert "NIJA_MASTER_KEY is not set" in found.where
    assert str(places.file) in found.where


def test_a_keyring_that_fails_is_told_from_one_without_the_key(places: MasterKeySettings) -> None:
    keyring.set_keyring(Broken())

    found = find_master_keys(places)

    assert (found.keys, found.place) == ((), Place.KEYRING)
    assert "the keyring cannot be used (RuntimeError)" in found.where


def test_a_keyring_that_never_answers_is_not_waited_for(
    places: MasterKeySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    class Hanging(Remembering):
        def get_password(self, *_: str) -> str | None:
            released.wait()
            return None

    monkeypatch.setattr(master_key, "KEYRING_SECONDS", 0.05)
    keyring.set_keyring(Hanging())

    found = find_master_keys(places)

    released.set()
    assert (found.keys, found.place) == ((), Place.KEYRING)
    assert "did not answer" in found.where


def test_a_keyring_keeps_a_new_set_of_keys_and_one_that_forgets_is_noticed(places: MasterKeySettings) -> None:
    ring = Remembering()
    ring.entries["nija", "master-key"] = Fernet.generate_key().decode()
    keyring.set_keyring(ring)
    new = find_master_keys(places).with_a_new_one

    replace_master_keys(places, new)
    kept = find_master_keys(places)
    keyring.set_keyring(null.Keyring())
    with pytest.raises(ConfigError, match="did not keep the new master key"):
        replace_master_keys(places, new)

    assert plain(kept) == plain(new)
    assert not places.file.exists()
