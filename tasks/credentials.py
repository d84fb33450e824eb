"""Where an account's keys come from: the environment, else the vault; a simulated account's from its world."""

import asyncio
from enum import StrEnum

from models.errors import ConfigError, VaultLocked
from models.fleet import Account
from models.master_key import MasterKeys, find_master_keys
from models.settings import Credentials, MasterKeySettings, credentials_from
from models.store.engine import Store
from models.store.keys import keys_of
from models.vault import unseal


class KeySource(StrEnum):
    """Where the keys come from that a run of an account uses."""

    ENVIRONMENT = "environment"
    VAULT = "vault"
    SIMULATED = "simulated"
    NONE = "none"


class Vault:
    """The stored keys of all accounts. The master key is looked for once a run, and only if some keys are stored."""

    def __init__(self, store: Store, places: MasterKeySettings) -> None:
        self._store = store
        self._places = places
        self._master: MasterKeys | None = None
        self._looking = asyncio.Lock()

    async def open(self, account: str) -> Credentials | None:
        """Return an account's stored keys; None where there are none. Raises: VaultLocked; ConfigError; StoreError."""
        row = await keys_of(self._store, account)
        if row is None:
            return None
        master = await self._master_keys()
        try:
            return unseal(master, account, row.token)
        except VaultLocked:
            if not master.keys:
                raise
        # The master key may have been rotated since it, or the row, was read.
        row = await keys_of(self._store, account)
        return None if row is None else unseal(await self._master_keys(instead_of=master), account, row.token)

    async def _master_keys(self, instead_of: MasterKeys | None = None) -> MasterKeys:
        async with self._looking:
            if self._master is None or self._master is instead_of:
                self._master = await asyncio.to_thread(find_master_keys, self._places)
            return self._master


async def find_credentials(vault: Vault, account: Account) -> tuple[Credentials, KeySource]:
    """Return the keys of an account that is not simulated, and where they come from.

    Raises: ConfigError without keys, or with half of them; VaultLocked; StoreError.
    """
    given = credentials_from(account.env_name)
    if given is not None:
        return given, KeySource.ENVIRONMENT
    stored = await vault.open(account.id)
    if stored is not None:
        return stored, KeySource.VAULT
    prefix = f"NIJA_{account.env_name}_API"
    raise ConfigError(
        f"environment {prefix}_KEY",
        f"is not set, and no keys of {account.id!r} are stored",
        f"{prefix}_KEY and {prefix}_SECRET, or nija keys add --account {account.id}",
    )
