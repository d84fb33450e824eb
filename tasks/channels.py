"""Add a channel: its address is checked, encrypted under the vault's master key, and kept."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import SecretStr

from models.alert import Severity
from models.channel import QuietHours
from models.channel_vault import seal_address
from models.clock import Clock
from models.errors import ConfigError
from models.settings import MasterKeySettings
from models.store.channels import put_channel
from models.store.engine import Store
from models.vault_lock import vault_lock
from tasks.notify import service_of
from tasks.vault import master_to_seal_with


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel as a person asks for it. Prints without its address."""

    name: str
    address: SecretStr
    severity: Severity
    kinds: Collection[str]
    quiet: QuietHours | None
    tells_over: bool


async def add_channel(store: Store, places: MasterKeySettings, clock: Clock, new: NewChannel, *, by: str) -> bool:
    """Keep a channel; return whether the first master key was made for it.

    Raises: ConfigError where the name is taken, the address is of no known service, or no master key can be had;
    StoreError.
    """
    service = service_of(new.address)
    async with vault_lock(places, clock):
        master, is_first = await master_to_seal_with(store, places)
        kept = await put_channel(
            store,
            new.name,
            service=service,
            token=seal_address(master, new.name, new.address),
            severity=new.severity,
            kinds=frozenset(new.kinds),
            quiet=new.quiet,
            tells_over=new.tells_over,
            by=by,
            now=clock.now(),
        )
    if not kept:
        raise ConfigError("NAME", f"there is a channel {new.name!r} already", "another name, or remove it first")
    return is_first
