"""The environment is read in one place, and keys never print."""

import pickle
from pathlib import Path

import pytest

from models.errors import ConfigError
from models.policy import Policy
from models.settings import (
    POLICY_VARIABLES,
    Settings,
    credentials_from,
    load_settings,
    master_key_settings,
    policy_defaults,
)

KEYS = {"NIJA_ALICE_API_KEY": "the-key", "NIJA_ALICE_API_SECRET": "the-secret", "NIJA_ALICE_API_PASSPHRASE": "hush"}


def test_the_defaults_are_those_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()

    assert (settings.home, settings.fleet) == (Path(".nija"), Path("fleet.yaml"))
    assert settings.store_url == f"sqlite:///{Path('.nija').absolute() / 'nija.db'}"


def test_the_environment_wins_over_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJA_HOME", "/data/nija")
    monkeypatch.setenv("NIJA_FLEET", "all.yaml")
    here = load_settings()
    monkeypatch.setenv("NIJA_DATABASE_URL", "postgresql://nija@db/nija")
    shared = load_settings()

    assert (here.fleet, here.store_url) == (Path("all.yaml"), "sqlite:////data/nija/nija.db")
    assert shared.store_url == "postgresql://nija@db/nija"


@pytest.mark.parametrize(
    ("name", "value"), [("NIJA_MAX_CONCURRENT_ACCOUNTS", "0"), ("NIJA_VENUE_TIMEOUT_SECONDS", "soon")]
)
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError) as caught:
        load_settings()

    assert caught.value.where == f"environment {name}"
    assert repr(value) in str(caught.value)


def test_every_policy_variable_names_a_policy_value() -> None:
    assert set(POLICY_VARIABLES.values()) <= set(Policy.model_fields)


def test_policy_defaults_are_what_the_environment_sets_and_nothing_else() -> None:
    environment = {"MAX_POSITIONS_ALLOWED": "5", "DUST_THRESHOLD_USD": "", "SOMETHING": "x"}

    assert policy_defaults(environment) == {"max_positions": "5"}


def test_credentials_are_found_by_account() -> None:
    found = credentials_from("ALICE", KEYS)

    assert found is not None
    assert found.api_key.get_secret_value() == "the-key"
    assert found.api_secret.get_secret_value() == "the-secret"
    assert found.passphrase is not None
    assert found.passphrase.get_secret_value() == "hush"


@pytest.mark.parametrize("missing", ["NIJA_ALICE_API_KEY", "NIJA_ALICE_API_SECRET"])
def test_a_missing_credential_is_named(missing: str) -> None:
    with pytest.raises(ConfigError) as caught:
        credentials_from("ALICE", KEYS | {missing: ""})

    assert caught.value.where == f"environment {missing}"
    assert "the-key" not in str(caught.value)
    assert "the-secret" not in str(caught.value)


@pytest.mark.parametrize("only", KEYS)
def test_an_account_of_which_nothing_is_set_has_no_credentials_and_half_of_them_is_a_fault(only: str) -> None:
    assert credentials_from("ALICE", dict.fromkeys(KEYS, "") | {"NIJA_BOB_API_KEY": "k"}) is None
    with pytest.raises(ConfigError):
        credentials_from("ALICE", {only: "x"})


def test_the_master_key_is_looked_for_in_the_environment_and_in_a_file() -> None:
    nothing = master_key_settings(Path("/home/nija"), {"NIJA_MASTER_KEY": "", "NIJA_MASTER_KEY_FILE": ""})
    both = master_key_settings(Path("/home/nija"), {"NIJA_MASTER_KEY": "the-key", "NIJA_MASTER_KEY_FILE": "/run/key"})

    assert (nothing.given, nothing.file) == (None, Path("/home/nija/master.key"))
    assert both.given is not None
    assert (both.given.get_secret_value(), both.file) == ("the-key", Path("/run/key"))
    assert "the-key" not in repr(both)


@pytest.mark.parametrize("show", [str, repr, "{0}".format, lambda c: f"{c.api_key} {c.api_secret!r} {c.passphrase}"])
def test_credentials_print_without_their_values(show: object) -> None:
    text = show(credentials_from("ALICE", KEYS))  # type: ignore[operator]

    assert not any(value in text for value in KEYS.values())


def test_settings_hold_no_credential() -> None:
    assert not any("key" in name or "secret" in name for name in Settings.model_fields)
    assert b"the-secret" not in pickle.dumps(load_settings())
