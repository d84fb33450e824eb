"""The vault's master key: where it is found, how the first one is made, and how a set is replaced by another.

A place may hold several keys, newest first: the newest encrypts, all decrypt. The first place that has any is taken:
the environment, a file, the operating system's keyring.
"""

import os
import queue
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from pydantic import SecretStr

from models.errors import ConfigError
from models.settings import MasterKeySettings

KEYRING_SERVICE, KEYRING_ENTRY = "nija", "master-key"
KEYRING_SECONDS = 15.0  # a desktop may ask its user to unlock the keyring; where nobody sits, nobody answers
_LONGEST_FILE = 64 * 1024


class Place(StrEnum):
    """What holds the master key."""

    ENVIRONMENT = "environment"
    FILE = "file"
    KEYRING = "keyring"


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Fernet keys, newest first; they print as asterisks. `where`: the place in words, or where none was found.

    Without keys, `place` is None where no place has any, and KEYRING where the keyring could not be asked.
    """

    keys: tuple[SecretStr, ...]
    place: Place | None
    where: str

    @property
    def cipher(self) -> MultiFernet:
        """Encrypts with the newest key, decrypts with any."""
        return MultiFernet(Fernet(key.get_secret_value()) for key in self.keys)

    @property
    def newest(self) -> "MasterKeys":
        """The newest key alone."""
        return replace(self, keys=self.keys[:1])

    @property
    def with_a_new_one(self) -> "MasterKeys":
        """The same keys behind a new one."""
        return replace(self, keys=(_new_key(), *self.keys))


def find_master_keys(places: MasterKeySettings) -> MasterKeys:
    """Look for the master key. It may wait for the keyring, 15 s at most.

    Raises: ConfigError where a place holds something else, or where others may read the file.
    """
    if places.given is not None:
        return _parsed(places.given.get_secret_value(), Place.ENVIRONMENT, "environment NIJA_MASTER_KEY")
    text = _read_private(places.file)
    if text is not None:
        return _parsed(text, Place.FILE, str(places.file))
    looked = f"NIJA_MASTER_KEY is not set, {places.file} is not there"
    text, trouble = _at_keyring(lambda keyring: keyring.get_password(KEYRING_SERVICE, KEYRING_ENTRY))
    if trouble:
        return MasterKeys((), Place.KEYRING, f"{looked}, and the keyring {trouble}")
    if not text:
        return MasterKeys((), None, f"{looked}, and the keyring has no entry {KEYRING_SERVICE} {KEYRING_ENTRY}")
    return _parsed(text, Place.KEYRING, f"the keyring's entry {KEYRING_SERVICE} {KEYRING_ENTRY}")


def make_master_key(places: MasterKeySettings) -> MasterKeys:
    """Make the first master key, in a file that only its owner may read; one that is there already is returned.

    Raises: ConfigError where the file cannot be written, or is not a master key.
    """
    made = MasterKeys((_new_key(),), Place.FILE, str(places.file))
    try:
        # A link, unlike a rename, fails where the name is taken.
        _write_private(places.file, made.keys, lambda whole, name: name.hardlink_to(whole))
    except FileExistsError:
        found = find_master_keys(places)
        if not found.keys:
            raise ConfigError(str(places.file), "is a link to a file that is not there", "the master key") from None
        return found
    return made


def replace_master_keys(places: MasterKeySettings, new: MasterKeys) -> None:
    """Put a set of keys where the last one was found, whole or not at all.

    Raises: ConfigError where that place cannot be written, or does not keep what is written.
    """
    if new.place is Place.FILE:
        # What a link points at is replaced, not the link.
        _write_private(places.file.resolve(), new.keys, lambda whole, name: whole.replace(name))
    elif new.place is Place.KEYRING:
        _, trouble = _at_keyring(
            lambda keyring: keyring.set_password(KEYRING_SERVICE, KEYRING_ENTRY, _joined(new.keys, ","))
        )
        if trouble:
            raise ConfigError(new.where, f"cannot be written: the keyring {trouble}")
    if find_master_keys(places) != new:
        raise ConfigError(new.where, "did not keep the new master key")


def _new_key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


def _joined(keys: tuple[SecretStr, ...], by: str) -> str:
    return by.join(key.get_secret_value() for key in keys)


def _parsed(text: str, place: Place, where: str) -> MasterKeys:
    words = text.replace(",", " ").split()
    for number, word in enumerate(words, start=1):
        try:
            Fernet(word)
        except ValueError:
            problem = f"key {number} of {len(words)} is no Fernet key"
            raise ConfigError(where, problem, "32 random bytes in URL-safe base64") from None
    if not words:
        raise ConfigError(where, "holds no key", "one or more Fernet keys, newest first")
    return MasterKeys(tuple(SecretStr(word) for word in words), place, where)


def _read_private(path: Path) -> str | None:
    """Return what a file holds that only its owner may read; None where it is not there. Raises: ConfigError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would be waited for
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(str(path), f"the master key cannot be read: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(str(path), "is not a file", "the file with the master key")
        if stat.S_IMODE(mode) & 0o077:
            problem = f"others may read the master key (its mode is {stat.S_IMODE(mode):04o})"
            raise ConfigError(str(path), problem, f"0600: chmod 600 {path}")
        # The bytes of something else need not be text; they are then no key.
        return os.read(descriptor, _LONGEST_FILE).decode("ascii", errors="replace")
    except OSError as error:
        raise ConfigError(str(path), f"the master key cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _write_private(path: Path, keys: tuple[SecretStr, ...], put: Callable[[Path, Path], object]) -> None:
    """Write a file beside `path`, readable by its owner alone, and `put` it there when it is whole and on the disk.

    Its callers hold the lock of `models.vault_lock`. Raises: FileExistsError from `put`; ConfigError.
    """
    whole = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.unlink(missing_ok=True)  # left by a process that was killed here
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_joined(keys, "\n") + "\n")
            file.flush()
            with suppress(OSError):  # the first one has no owner to keep, and only root may give files away
                owner = path.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(file.fileno())
        put(whole, path)
        _settle(path.parent)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.parent.is_dir():
            raise
        raise ConfigError(str(path), f"the master key cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            whole.unlink()


def _settle(folder: Path) -> None:
    """Bring a folder's names to the disk: a name that a power cut takes back would take the keys with it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _at_keyring(act: Callable[[Any], str | None]) -> tuple[str | None, str]:
    """Ask the operating system's keyring; return its answer, and what is wrong with it in words.

    No backend is no trouble: there is nothing to find. It is asked on a thread that the program does not wait for at
    its end, because a backend may ask a person, or a service that does not answer.
    """
    answers: queue.SimpleQueue[tuple[str | None, str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            import keyring  # noqa: PLC0415 - a fifth of a second that only those pay who have the key nowhere else
            from keyring.errors import NoKeyringError  # noqa: PLC0415

            try:
                answers.put((act(keyring), ""))
            except NoKeyringError:
                answers.put((None, ""))
        except Exception as error:  # noqa: BLE001 - a backend is somebody else's program and raises what it likes
            answers.put((None, f"cannot be used ({type(error).__name__})"))

    threading.Thread(target=ask, name="nija-keyring", daemon=True).start()
    try:
        return answers.get(timeout=KEYRING_SECONDS)
    except queue.Empty:
        return None, f"did not answer within {KEYRING_SECONDS:.0f} s"
