"""Change the vault: keep an account's keys, and rotate the master key.

A rotation puts the new master key in front of the old ones, encrypts every token anew in one transaction, and only then
drops the old ones. Killed after any of these, every token still opens, and the next rotation finishes the work.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.channel_vault import address_opens, reseal_address
from models.clock import Clock
from models.errors import ConfigError, VaultLocked
from models.master_key import MasterKeys, Place, find_master_keys, make_master_key, replace_master_keys
from models.settings import Credentials, MasterKeySettings
from models.store.channels import change_channel_tokens, channel_tokens
from models.store.engine import Also, Store, nothing_else
from models.store.keys import StoredKeys, change_tokens, put_keys, stored_keys
from models.vault import fingerprint, reseal, seal, unseal
from models.vault_lock import vault_lock


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of new keys. `locked`: other accounts, whose keys the master key does not open."""

    fingerprint: str
    master: MasterKeys
    made_master: bool
    locked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: how many tokens changed, whose no key opens, and the master keys in place now."""

    tokens: int
    locked: tuple[str, ...]
    master: MasterKeys
    locked_channels: tuple[str, ...] = ()


async def keep(
    store: Store,
    places: MasterKeySettings,
    clock: Clock,
    account: str,
    credentials: Credentials,
    *,
    by: str,
    replace: bool,
    also: Also = nothing_else,
) -> Kept:
    """Encrypt and keep an account's keys; the first ones make the master key. `also` is written with them.

    Raises: ConfigError where it has some and they are not to be replaced, or where the keyring may hold the master key
    and does not say so; StoreError.
    """
    async with vault_lock(places, clock):
        rows = await stored_keys(store)
        if account in rows and not replace:
            raise _has_some(account)
        master, is_first = await master_to_seal_with(store, places)
        told = fingerprint(credentials.api_key)
        token = seal(master, account, credentials)
        row: dict[str, Any] = {"fingerprint": told, "token": token, "by": by, "now": clock.now()}
        kept = await put_keys(store, account, **row, replace=replace, also=also)
    if not kept:
        raise _has_some(account)
    locked = tuple(other for other, row in rows.items() if other != account and not opens(master, row))
    return Kept(told, master, is_first, locked)


async def master_to_seal_with(store: Store, places: MasterKeySettings) -> tuple[MasterKeys, bool]:
    """Return the master keys, and whether the first one was made for this; its caller holds the vault's lock.

    Raises: ConfigError where the keyring may hold the master key and does not say so; StoreError.
    """
    master = await asyncio.to_thread(find_master_keys, places)
    if master.keys:
        return master, False
    if master.place is Place.KEYRING and (await stored_keys(store) or await channel_tokens(store)):
        # Another master key, in a file, would hide the one that the keyring may hold.
        raise ConfigError("master key", master.where, "an unlocked keyring, or NIJA_MASTER_KEY")
    return make_master_key(places), True


async def rotate(store: Store, places: MasterKeySettings, clock: Clock) -> Rotated:
    """Put every token under a new master key, or under the first of those that the environment gives.

    Where an account's keys cannot be opened, the old master keys stay: one of them may be what was meant for it.
    Raises: ConfigError without a master key, or where it cannot be written; StoreError.
    """
    async with vault_lock(places, clock):
        master = await asyncio.to_thread(find_master_keys, places)
        if not master.keys:
            raise ConfigError("master key", f"there is none to rotate: {master.where}", "nija keys add makes the first")
        if master.place is not Place.ENVIRONMENT:
            master = await put_in_front(places, master)
        tokens = await encrypt_anew(store, master, clock)
        locked = await not_under_the_newest(store, master)
        locked_channels = await channels_not_under_the_newest(store, master)
        if not locked and not locked_channels and master.place is not Place.ENVIRONMENT:
            master = await drop_the_old(places, master)
    return Rotated(tokens, locked, master, locked_channels)


async def put_in_front(places: MasterKeySettings, master: MasterKeys) -> MasterKeys:
    """Step 1: put a new key in front of the old ones."""
    both = master.with_a_new_one
    await asyncio.to_thread(replace_master_keys, places, both)
    return both


async def encrypt_anew(store: Store, master: MasterKeys, clock: Clock) -> int:
    """Step 2: encrypt every token that opens with the newest key; return how many changed.

    All keys of accounts change, or none, then likewise all addresses of channels.
    """

    def change(rows: Mapping[str, StoredKeys]) -> dict[str, str]:
        old = {account: row for account, row in rows.items() if opens(master, row) and not opens(master.newest, row)}
        return {account: reseal(master, account, row.token) for account, row in old.items()}

    def change_addresses(tokens: Mapping[str, str]) -> dict[str, str]:
        old = {
            name: token
            for name, token in tokens.items()
            if address_opens(master, name, token) and not address_opens(master.newest, name, token)
        }
        return {name: reseal_address(master, name, token) for name, token in old.items()}

    keys = await change_tokens(store, change, clock.now())
    return keys + await change_channel_tokens(store, change_addresses)


async def not_under_the_newest(store: Store, master: MasterKeys) -> tuple[str, ...]:
    """Return the accounts that would be locked without the old keys, or are locked anyway."""
    return tuple(account for account, row in (await stored_keys(store)).items() if not opens(master.newest, row))


async def channels_not_under_the_newest(store: Store, master: MasterKeys) -> tuple[str, ...]:
    """Return the channels whose address would be locked without the old keys, or is locked anyway."""
    tokens = await channel_tokens(store)
    return tuple(name for name, token in tokens.items() if not address_opens(master.newest, name, token))


async def drop_the_old(places: MasterKeySettings, master: MasterKeys) -> MasterKeys:
    """Step 3: keep the newest key alone."""
    await asyncio.to_thread(replace_master_keys, places, master.newest)
    return master.newest


def opens(master: MasterKeys, row: StoredKeys) -> bool:
    """Say whether an account's keys can be opened."""
    try:
        unseal(master, row.account, row.token)
    except VaultLocked:
        return False
    return True


def _has_some(account: str) -> ConfigError:
    return ConfigError("--account", f"{account!r} has keys already", "--replace, to overwrite them")
