"""Say which keys a run of each account would use, and what is stored."""

import asyncio

from pydantic import AwareDatetime, BaseModel

from models.errors import ConfigError, VaultLocked
from models.fleet import Account, Fleet
from models.master_key import MasterKeys, find_master_keys
from models.settings import MasterKeySettings, credentials_from
from models.store.engine import Store
from models.store.keys import StoredKeys, stored_keys
from models.vault import fingerprint, unseal
from tasks.credentials import KeySource


class KeyLine(BaseModel):
    """One account. `source`: where a run would take its keys from, `fingerprint`: of those, else of the stored ones.

    `added_at`, `added_by` and `changed_at` tell of the stored keys; None where none are. `venue` is None for an account
    that left the fleet. `problem`: why a run could not use the keys, or which keys it would pass over.
    """

    account: str
    venue: str | None
    source: KeySource
    fingerprint: str | None = None
    added_at: AwareDatetime | None = None
    added_by: str | None = None
    changed_at: AwareDatetime | None = None
    problem: str | None = None


class KeyList(BaseModel):
    """All accounts of the fleet, in its order, then those that left it and still have keys."""

    accounts: list[KeyLine]


async def list_keys(store: Store, places: MasterKeySettings, fleet: Fleet) -> KeyList:
    """List the keys of a fleet. A fault of the master key is told at the accounts it concerns. Raises: StoreError."""
    rows = await stored_keys(store)
    master = await _master(places) if rows else None
    lines = [_line(account, rows.get(account.id), master) for account in fleet.accounts]
    known = {account.id for account in fleet.accounts}
    for name, row in rows.items():
        if name not in known:
            left = KeyLine(account=name, venue=None, source=KeySource.NONE, problem="is not in the fleet file")
            lines.append(_with_row(left, row))
    return KeyList(accounts=lines)


async def _master(places: MasterKeySettings) -> MasterKeys | ConfigError:
    try:
        return await asyncio.to_thread(find_master_keys, places)
    except ConfigError as error:
        return error


def _line(account: Account, row: StoredKeys | None, master: MasterKeys | ConfigError | None) -> KeyLine:
    line = KeyLine(account=account.id, venue=account.venue, source=KeySource.NONE)
    if row is not None:
        line = _with_row(line, row)
    if account.simulated is not None:
        return line.model_copy(update={"source": KeySource.SIMULATED})
    try:
        given = credentials_from(account.env_name)
    except ConfigError as error:
        return line.model_copy(update={"problem": f"{error.code} {error}"})
    if given is not None:
        passed_over = "the environment's keys are used, not the stored ones" if row is not None else None
        found = {"source": KeySource.ENVIRONMENT, "fingerprint": fingerprint(given.api_key), "problem": passed_over}
        return line.model_copy(update=found)
    if row is None or master is None:
        return line
    return line.model_copy(update={"source": KeySource.VAULT, "problem": _fault(row, master)})


def _with_row(line: KeyLine, row: StoredKeys) -> KeyLine:
    told = {name: getattr(row, name) for name in ("fingerprint", "added_at", "added_by", "changed_at")}
    return line.model_copy(update=told)


def _fault(row: StoredKeys, master: MasterKeys | ConfigError) -> str | None:
    try:
        if isinstance(master, ConfigError):
            raise master
        unseal(master, row.account, row.token)
    except (ConfigError, VaultLocked) as error:
        return f"{error.code} {error}"
    return None
