"""The environment, read in this one place: where things live, policy defaults, and credentials."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import ConfigError

# The names the environment uses for policy defaults; what stands in the fleet file wins over them.
POLICY_VARIABLES = {
    "MAX_POSITIONS_ALLOWED": "max_positions",
    "DUST_THRESHOLD_USD": "dust_threshold_usd",
    "MINIMUM_POSITION_USD": "minimum_position_usd",
    "CONSOLIDATION_THRESHOLD_USD": "consolidation_threshold_usd",
    "DUST_CLEANUP_DRY_RUN": "dust_cleanup_dry_run",
    "BALANCE_FETCH_MAX_ATTEMPTS": "balance_fetch_max_attempts",
    "BALANCE_FETCH_BASE_DELAY": "balance_fetch_base_delay",
    "SYMBOL_FREEZE_THRESHOLD": "symbol_freeze_threshold",
    "SYMBOL_FREEZE_COOLDOWN_HOURS": "symbol_freeze_cooldown_hours",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """One account's keys. They print as asterisks."""

    api_key: SecretStr
    api_secret: SecretStr
    passphrase: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class MasterKeySettings:
    """Where the vault's master key is looked for first. Kept out of `Settings`, which holds no secret.

    `given`: Fernet keys from the environment, newest first, separated by commas. They print as asterisks.
    """

    given: SecretStr | None
    file: Path


class Settings(BaseSettings):
    """What this machine says about itself."""

    model_config = SettingsConfigDict(env_prefix="NIJA_", extra="ignore", frozen=True)

    home: Path = Path(".nija")
    fleet: Path = Path("fleet.yaml")
    database_url: str | None = None
    max_concurrent_accounts: Annotated[int, Field(ge=1, le=1000)] = 50
    connect_cool_down_seconds: Annotated[float, Field(ge=0, le=60)] = 2
    venue_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10
    limits_factor: Annotated[float, Field(ge=0.01, le=1000)] = 1  # what the venues grant, in shares of their least

    @property
    def store_url(self) -> str:
        """The store's address: PostgreSQL where the environment says so, else a SQLite file in the home folder."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'nija.db'}"


def load_settings() -> Settings:
    """Read the environment. Raises: ConfigError naming the variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"NIJA_{str(first['loc'][0]).upper()}"
        raise ConfigError(f"environment {name}", f"{first['msg']}, found {first['input']!r}") from None


def policy_defaults(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the policy values that the environment sets, by policy field."""
    return {field: environment[name] for name, field in POLICY_VARIABLES.items() if environment.get(name)}


def credentials_from(account_env_name: str, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Read one account's keys from the environment; None where it says nothing of them.

    Raises: ConfigError naming the variable that is missing where others of the account are set.
    """
    prefix = f"NIJA_{account_env_name}_"
    found = {part: environment.get(prefix + part) for part in ("API_KEY", "API_SECRET", "API_PASSPHRASE")}
    if not any(found.values()):
        return None
    for part in ("API_KEY", "API_SECRET"):
        if not found[part]:
            raise ConfigError(f"environment {prefix}{part}", "is not set, though others of the account are")
    passphrase = found["API_PASSPHRASE"]
    return Credentials(
        api_key=SecretStr(found["API_KEY"] or ""),
        api_secret=SecretStr(as_pem(found["API_SECRET"] or "")),
        passphrase=SecretStr(passphrase) if passphrase else None,
    )


def master_key_settings(home: Path, environment: Mapping[str, str] = os.environ) -> MasterKeySettings:
    """Say where the vault's master key is looked for. An empty variable is as good as none."""
    keys = environment.get("NIJA_MASTER_KEY")
    file = environment.get("NIJA_MASTER_KEY_FILE")
    return MasterKeySettings(
        SecretStr(keys) if keys else None, (Path(file) if file else home / "master.key").absolute()
    )


def as_pem(secret: str) -> str:
    """Return a secret with its line breaks: a private key in PEM is often written in one line, with escaped ones."""
    return secret.replace("\\n", "\n") if secret.startswith("-----BEGIN") else secret
