"""Where an account's keys come from: the environment, else the vault; one account's locked keys are its own trouble."""

from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from models.clock import SystemClock
from models.errors import ConfigError, VaultLocked
from models.fleet import Account, Kind
from models.settings import Credentials, MasterKeySettings
from models.store.engine import Store
from tasks.credentials import KeySource, Vault, find_credentials
from tasks.vault import keep, rotate

CLOCK = SystemClock()
ALICE, BOB = (Account(id=name, kind=Kind.USER, venue="kraken") for name in ("alice", "bob"))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    given = {"NIJA_ALICE_API_KEY": "given", "NIJA_ALICE_API_SECRET": "given"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


async def stores(store: Store, places: MasterKeySettings, account: str) -> None:
    kept = Credentials(SecretStr("stored"), SecretStr("stored"), SecretStr("stored"))
    await keep(store, places, CLOCK, account, kept, by="me", replace=False)


async def source(vault: Vault, account: Account) -> tuple[str, KeySource]:
    found, where = await find_credentials(vault, account)
    return found.api_key.get_secret_value(), where


async def test_the_environment_wins_and_the_vault_serves_the_others(
    store: Store, places: MasterKeySettings, environment: Mapping[str, str]
) -> None:
    for account in ("alice", "bob"):
        await stores(store, places, account)
    vault = Vault(store, places)

    assert await source(vault, ALICE) == ("given", KeySource.ENVIRONMENT)
    assert await source(vault, BOB) == ("stored", KeySource.VAULT)


async def test_half_of_the_keys_in_the_environment_is_not_completed_from_the_vault(
    store: Store, places: MasterKeySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stores(store, places, "alice")
    monkeypatch.setenv("NIJA_ALICE_API_KEY", "given")

    with pytest.raises(ConfigError, match="NIJA_ALICE_API_SECRET: is not set"):
        await find_credentials(Vault(store, places), ALICE)


async def test_an_account_without_keys_is_told_both_ways(store: Store, places: MasterKeySettings) -> None:
    with pytest.raises(ConfigError) as caught:
        await find_credentials(Vault(store, places), ALICE)

    assert caught.value.where == "environment NIJA_ALICE_API_KEY"
    assert caught.value.allowed == "NIJA_ALICE_API_KEY and NIJA_ALICE_API_SECRET, or nija keys add --account alice"


async def test_a_lost_master_key_locks_the_stored_keys_alone_until_they_are_added_again(
    store: Store, places: MasterKeySettings, environment: Mapping[str, str]
) -> None:
    await stores(store, places, "bob")
    places.file.unlink()
    vault = Vault(store, places)

    with pytest.raises(VaultLocked, match="stored keys of bob"):
        await find_credentials(vault, BOB)
    assert await source(vault, ALICE) == ("given", KeySource.ENVIRONMENT)
    await keep(store, places, CLOCK, "bob", Credentials(SecretStr("n"), SecretStr("n")), by="me", replace=True)
    assert await source(Vault(store, places), BOB) == ("n", KeySource.VAULT)


async def test_a_master_key_that_others_may_read_is_not_used(store: Store, places: MasterKeySettings) -> None:
    await stores(store, places, "alice")
    places.file.chmod(0o644)

    with pytest.raises(ConfigError, match="others may read the master key"):
        await find_credentials(Vault(store, places), ALICE)


async def test_a_run_goes_on_through_a_rotation(store: Store, places: MasterKeySettings) -> None:
    for account in ("alice", "bob"):
        await stores(store, places, account)
    vault = Vault(store, places)
    before = await source(vault, ALICE)

    await rotate(store, places, CLOCK)

    assert before == await source(vault, ALICE) == await source(vault, BOB) == ("stored", KeySource.VAULT)
