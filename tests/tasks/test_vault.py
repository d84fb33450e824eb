"""Keys are kept and the master key is rotated: whatever happens half way, or at once, every token still opens."""

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from models.clock import SystemClock
from models.errors import ConfigError
from models.master_key import MasterKeys, Place, find_master_keys
from models.settings import Credentials, MasterKeySettings
from models.store.engine import Store
from models.store.keys import put_keys, remove_keys, stored_keys
from models.vault import unseal
from models.vault_lock import vault_lock
from tasks.vault import Kept, encrypt_anew, keep, not_under_the_newest, put_in_front, rotate
from tests.builders import NOW
from tests.models.test_vault import Broken, Remembering

CLOCK = SystemClock()
# A process that rotates, and is killed by the kernel in the middle of a step.
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import tasks.vault
from models.clock import SystemClock
from models.settings import MasterKeySettings
from models.store.engine import Store

async def run(url, file):
    async with await Store.open(url) as store:
        await tasks.vault.rotate(store, MasterKeySettings(None, Path(file)), SystemClock())

async def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

tasks.vault.drop_the_old = die
asyncio.run(run(*sys.argv[1:]))
"""


def keys_for(account: str) -> Credentials:
    return Credentials(SecretStr(f"key of {account}"), SecretStr(f"secret of {account}"))


async def keeps(store: Store, places: MasterKeySettings, account: str, *, replaces: bool = False) -> Kept:
    return await keep(store, places, CLOCK, account, keys_for(account), by="me", replace=replaces)


async def opened(store: Store, places: MasterKeySettings) -> dict[str, Credentials]:
    master = find_master_keys(places)
    return {account: unseal(master, account, row.token) for account, row in (await stored_keys(store)).items()}


async def is_rotated(store: Store, places: MasterKeySettings, old: MasterKeys, *accounts: str) -> bool:
    """Whether every account's keys open with one master key, which is none of the old ones."""
    now = find_master_keys(places)
    assert await opened(store, places) == {account: keys_for(account) for account in accounts}
    return len(now.keys) == 1 and now.keys[0] not in old.keys


async def test_the_first_keys_make_the_master_key_and_the_next_use_it(store: Store, places: MasterKeySettings) -> None:
    kept = [await keeps(store, places, account) for account in ("alice", "bob")]

    assert [k.made_master for k in kept] == [True, False]
    assert await opened(store, places) == {"alice": keys_for("alice"), "bob": keys_for("bob")}


async def test_many_first_keys_at_once_make_one_master_key(store: Store, places: MasterKeySettings) -> None:
    accounts = [f"a{n}" for n in range(8)]

    kept = await asyncio.gather(*(keeps(store, places, account) for account in accounts))

    assert sum(k.made_master for k in kept) == 1
    assert set(await opened(store, places)) == set(accounts)


async def test_keys_are_not_overwritten_unasked(store: Store, places: MasterKeySettings) -> None:
    await keeps(store, places, "alice")
    other = Credentials(SecretStr("another"), SecretStr("s"))

    with pytest.raises(ConfigError, match="'alice' has keys already"):
        await keep(store, places, CLOCK, "alice", other, by="me", replace=False)
    before = await opened(store, places)
    await keep(store, places, CLOCK, "alice", other, by="me", replace=True)

    assert before == {"alice": keys_for("alice")}
    assert await opened(store, places) == {"alice": other}


async def test_after_a_lost_master_key_keys_are_added_anew_and_a_backup_still_opens_the_rest(
    store: Store, places: MasterKeySettings
) -> None:
    for account in ("alice", "bob"):
        await keeps(store, places, account)
    backup = places.file.read_text()
    places.file.unlink()

    kept = await keeps(store, places, "alice", replaces=True)
    places.file.write_text(places.file.read_text() + backup)

    assert (kept.made_master, kept.locked) == (True, ("bob",))
    assert await opened(store, places) == {"alice": keys_for("alice"), "bob": keys_for("bob")}


async def test_no_second_master_key_is_made_while_the_keyring_may_hold_the_first(
    store: Store, places: MasterKeySettings
) -> None:
    ring = Remembering()
    ring.entries["nija", "master-key"] = Fernet.generate_key().decode()
    keyring.set_keyring(ring)
    await keeps(store, places, "alice")
    keyring.set_keyring(Broken())

    with pytest.raises(ConfigError, match="the keyring cannot be used"):
        await keeps(store, places, "bob")

    assert not places.file.exists()


async def test_a_broken_keyring_does_not_stop_the_very_first_keys(store: Store, places: MasterKeySettings) -> None:
    keyring.set_keyring(Broken())

    assert (await keeps(store, places, "alice")).master.place is Place.FILE


async def test_a_rotation_leaves_one_new_master_key_that_opens_everything(
    store: Store, places: MasterKeySettings
) -> None:
    for account in ("alice", "bob"):
        await keeps(store, places, account)
    old = find_master_keys(places)

    done = await rotate(store, places, CLOCK)

    assert (done.tokens, done.locked) == (2, ())
    assert await is_rotated(store, places, old, "alice", "bob")
    assert (await rotate(store, places, CLOCK)).tokens == 2


@pytest.mark.parametrize("steps", [1, 2])
async def test_a_rotation_that_ended_after_a_step_lost_nothing_and_is_finished_by_the_next(
    store: Store, places: MasterKeySettings, steps: int
) -> None:
    await keeps(store, places, "alice")
    old = find_master_keys(places)
    both = await put_in_front(places, old)
    if steps > 1:
        await encrypt_anew(store, both, CLOCK)
    half_way = await opened(store, places)
    await keeps(store, places, "bob")

    await rotate(store, places, CLOCK)

    assert half_way == {"alice": keys_for("alice")}
    assert await is_rotated(store, places, both, "alice", "bob")


@pytest.mark.wire
def test_a_rotation_that_was_killed_lost_nothing_and_holds_no_lock(sqlite_url: str, places: MasterKeySettings) -> None:
    async def prepare() -> MasterKeys:
        async with await Store.open(sqlite_url) as store:
            await keeps(store, places, "alice")
        return find_master_keys(places)

    async def finish(old: MasterKeys) -> None:
        async with await Store.open(sqlite_url) as store:
            half_way = await opened(store, places)
            await rotate(store, places, CLOCK)
            assert half_way == {"alice": keys_for("alice")}
            assert await is_rotated(store, places, old, "alice")

    old = asyncio.run(prepare())
    killed = subprocess.run([sys.executable, "-c", _KILLED, sqlite_url, places.file], check=False, timeout=60)

    assert killed.returncode == -signal.SIGKILL
    assert len(find_master_keys(places).keys) == 2
    asyncio.run(finish(old))


async def test_rotations_and_additions_at_once_leave_every_token_readable(
    store: Store, places: MasterKeySettings, store_url: str
) -> None:
    await keeps(store, places, "alice")
    old = find_master_keys(places)

    async with await Store.open(store_url) as other:
        await asyncio.gather(
            rotate(store, places, CLOCK),
            rotate(other, places, CLOCK),
            keeps(store, places, "bob"),
            keeps(other, places, "carol"),
        )

    assert await is_rotated(store, places, old, "alice", "bob", "carol")


async def test_keys_that_no_master_key_opens_keep_the_old_ones_until_they_are_dealt_with(
    store: Store, places: MasterKeySettings
) -> None:
    for account in ("alice", "bob"):
        await keeps(store, places, account)
    old = find_master_keys(places)
    tokens = {account: row.token for account, row in (await stored_keys(store)).items()}
    await put_keys(
        store, "mallory", fingerprint="f", token=tokens["alice"], by="me", now=NOW, replace=False
    )  # copied: it opens for alice alone

    stuck = await rotate(store, places, CLOCK)
    still = find_master_keys(places)
    await remove_keys(store, "mallory")
    await rotate(store, places, CLOCK)

    assert (stuck.tokens, stuck.locked) == (2, ("mallory",))
    assert set(old.keys) < set(still.keys)
    assert await is_rotated(store, places, old, "alice", "bob")


async def test_a_key_added_elsewhere_under_the_old_master_key_keeps_that_one(
    store: Store, places: MasterKeySettings, tmp_path: Path
) -> None:
    await keeps(store, places, "alice")
    elsewhere = replace(places, file=tmp_path / "another-machine" / "master.key")
    elsewhere.file.parent.mkdir()
    elsewhere.file.write_bytes(places.file.read_bytes())
    elsewhere.file.chmod(0o600)
    both = await put_in_front(places, find_master_keys(places))
    await encrypt_anew(store, both, CLOCK)
    await keeps(store, elsewhere, "bob")

    assert await not_under_the_newest(store, both) == ("bob",)
    assert await opened(store, places) == {"alice": keys_for("alice"), "bob": keys_for("bob")}


async def test_with_keys_in_the_environment_tokens_move_to_the_first_and_nothing_is_written(
    store: Store, places: MasterKeySettings
) -> None:
    old, new = (Fernet.generate_key().decode() for _ in "ab")
    before, both, after = (replace(places, given=SecretStr(given)) for given in (old, f"{new},{old}", new))
    await keeps(store, before, "alice")

    done = [(await rotate(store, both, CLOCK)).tokens, (await rotate(store, both, CLOCK)).tokens]

    assert done == [1, 0]
    assert await opened(store, after) == {"alice": keys_for("alice")}
    assert not places.file.exists()


async def test_with_the_wrong_keys_in_the_environment_nothing_changes(store: Store, places: MasterKeySettings) -> None:
    right, wrong = (replace(places, given=SecretStr(Fernet.generate_key().decode())) for _ in "ab")
    await keeps(store, right, "alice")

    done = await rotate(store, wrong, CLOCK)

    assert (done.tokens, done.locked) == (0, ("alice",))
    assert await opened(store, right) == {"alice": keys_for("alice")}


async def test_a_master_key_in_the_keyring_is_rotated_there(store: Store, places: MasterKeySettings) -> None:
    ring = Remembering()
    ring.entries["nija", "master-key"] = Fernet.generate_key().decode()
    keyring.set_keyring(ring)
    await keeps(store, places, "alice")
    old = find_master_keys(places)

    await rotate(store, places, CLOCK)

    assert await is_rotated(store, places, old, "alice")
    assert not places.file.exists()


async def test_without_a_master_key_there_is_nothing_to_rotate(store: Store, places: MasterKeySettings) -> None:
    with pytest.raises(ConfigError, match="there is none to rotate"):
        await rotate(store, places, CLOCK)

    assert not places.file.exists()


async def test_whoever_cannot_have_the_lock_is_told(places: MasterKeySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.vault_lock.LONGEST_WAIT", timedelta(0))

    async with vault_lock(places, CLOCK):
        with pytest.raises(ConfigError, match="another nija keys command"):
            async with vault_lock(places, CLOCK):
                pass
