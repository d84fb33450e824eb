"""What a person does with the accounts' API keys: test, save, delete, rotate the master key. None of it shows a key."""

from functools import partial

from pydantic import BaseModel, Field, SecretStr
from sqlalchemy import Connection

from brokers.venues import capabilities_of
from desk.desk import Desk
from desk.views.keys import TESTED, KeyTestReport, outcome_of, subject_of
from flows.doctor import examine_fleet, examine_keys
from models.errors import Changed, ConfigError, NotFound
from models.fleet import Account
from models.people import Permit, Role, Who
from models.settings import Credentials, master_key_settings
from models.store.desk_audit import Deed, note, note_alone
from models.store.keys import keys_of, remove_keys
from models.vault import fingerprint
from tasks.list_keys import list_keys
from tasks.new_keys import checked_keys
from tasks.runtime import open_runtime
from tasks.vault import keep, rotate


class NewKeys(BaseModel):
    """Keys as they were typed. They print as asterisks."""

    api_key: SecretStr = Field(min_length=8, max_length=4096)
    api_secret: SecretStr = Field(min_length=8, max_length=65_536)
    api_passphrase: SecretStr | None = Field(default=None, max_length=1024)


class Saved(BaseModel):
    """What became of new keys. `made_master_key`: where the master key is that was made for them; back it up."""

    account: str
    fingerprint: str
    made_master_key: str | None
    note: str
    test: KeyTestReport


class RotatedMaster(BaseModel):
    """What a rotation of the master key did. `locked`: whose keys no master key opens."""

    tokens: int
    locked: list[str]
    where: str


async def try_keys(desk: Desk, who: Who, account_id: str, new: NewKeys | None = None) -> KeyTestReport:
    """Try keys at the venue: the account's own, or new ones before they are kept. Nothing is touched there.

    Raises: AccessRefused, NotFound; ConfigError for keys that cannot be sent, or of an account with a simulated venue.
    """
    who = await desk.require(who, Role.OPERATOR, Permit.ACT)
    account = desk.account(account_id)
    keys = None if new is None else _read(account, new)
    report = await _tested(desk, account, keys)
    told = await _fingerprint(desk, account) if keys is None else fingerprint(keys.api_key)
    await note_alone(desk.store, who, _test_deed(report, told), desk.clock.now())
    return report


async def save_keys(desk: Desk, who: Who, account_id: str, new: NewKeys, *, untested: bool, replace: bool) -> Saved:
    """Encrypt and keep an account's keys, when the venue has accepted them. `untested`: keep them whatever it says.

    Raises: AccessRefused, NotFound; Changed where the account has keys and they are not to be replaced; ConfigError
    for keys that cannot be sent or that the venue does not take; StoreError.
    """
    who = await desk.require(who, Role.ADMIN)
    account = desk.account(account_id)
    keys, told = _read(account, new), fingerprint(new.api_key)
    before = await keys_of(desk.store, account.id)
    if before is not None and not replace:
        raise Changed(f"what is stored of {account.id}", f"keys with fingerprint {before.fingerprint}")
    report = await _tested(desk, account, keys)
    test = _test_deed(report, told)
    if not report.accepted and not untested:
        await note_alone(desk.store, who, test, desk.clock.now())
        raise ConfigError("keys", f"not saved: {report.reason}", "keys that the venue accepts, or save them untested")
    was = None if before is None else {"fingerprint": before.fingerprint}
    deed = Deed("keys.save", subject_of(account.id), was, {"fingerprint": told, "untested": not report.accepted})

    def also(connection: Connection) -> None:
        for one in (test, deed):
            note(connection, who, one, desk.clock.now())

    places = master_key_settings(desk.settings.home)
    kept = await keep(desk.store, places, desk.clock, account.id, keys, by=who.words, replace=replace, also=also)
    await desk.venues.drop()
    return Saved(
        account=account.id,
        fingerprint=kept.fingerprint,
        made_master_key=str(places.file) if kept.made_master else None,
        note="" if await _fingerprint(desk, account) == kept.fingerprint else "a run uses the environment's keys",
        test=report,
    )


async def delete_keys(desk: Desk, who: Who, account_id: str) -> None:
    """Remove an account's keys from the store, also of one that left the fleet. At the venue they stay valid.

    Raises: AccessRefused; NotFound where none are stored; StoreError.
    """
    who = await desk.require(who, Role.ADMIN)
    before = await keys_of(desk.store, account_id)
    if before is None:
        raise NotFound("stored keys of", account_id)
    deed = Deed("keys.delete", subject_of(account_id), {"fingerprint": before.fingerprint}, None)
    if not await remove_keys(desk.store, account_id, also=partial(note, who=who, deed=deed, now=desk.clock.now())):
        raise NotFound("stored keys of", account_id)
    await desk.venues.drop()


async def rotate_master_key(desk: Desk, who: Who) -> RotatedMaster:
    """Encrypt all stored keys with a new master key. Raises: AccessRefused; ConfigError without one; StoreError."""
    who = await desk.require(who, Role.ADMIN)
    done = await rotate(desk.store, master_key_settings(desk.settings.home), desk.clock)
    locked = [*done.locked, *(f"channel {name}" for name in done.locked_channels)]
    deed = Deed("keys.rotate", "master key", None, {"tokens": done.tokens, "locked": locked})
    await note_alone(desk.store, who, deed, desk.clock.now())
    await desk.venues.drop()
    return RotatedMaster(tokens=done.tokens, locked=locked, where=done.master.where)


async def _tested(desk: Desk, account: Account, keys: Credentials | None) -> KeyTestReport:
    """Ask the venue by a way of its own: what a shared one has read with other keys says nothing of these."""
    async with open_runtime(desk.settings, desk.fleet, desk.clock) as runtime:
        if keys is None:
            (examined,) = (await examine_fleet(runtime, [account])).accounts
        else:
            examined = await examine_keys(runtime, account, keys)
    return outcome_of(examined, desk.clock.now())


def _read(account: Account, new: NewKeys) -> Credentials:
    if account.simulated is not None:
        raise ConfigError("account", f"{account.id!r} is simulated: its keys are those of its world")
    passphrase = None if new.api_passphrase is None else new.api_passphrase.get_secret_value()
    needs = capabilities_of(account.venue).needs_passphrase
    key, secret = new.api_key.get_secret_value(), new.api_secret.get_secret_value()
    return checked_keys(key, secret, passphrase or None, needs_passphrase=needs)


async def _fingerprint(desk: Desk, account: Account) -> str | None:
    """Return the fingerprint of the keys that a run of the account would use."""
    found = await list_keys(desk.store, master_key_settings(desk.settings.home), desk.fleet)
    return next((line.fingerprint for line in found.accounts if line.account == account.id), None)


def _test_deed(report: KeyTestReport, told: str | None) -> Deed:
    after = report.model_dump(mode="json", include={"accepted", "verdict", "reason", "permissions"})
    return Deed(TESTED, subject_of(report.account), None, {**after, "fingerprint": told})
