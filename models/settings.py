"""The environment, read in this one place: where things live, policy defaults, and credentials."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import ConfigError, StoreError
from models.redaction import keep_secret

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
    """One account's keys. They print as asterisks, and no line of the log shows them from here on."""

    api_key: SecretStr
    api_secret: SecretStr
    passphrase: SecretStr | None = None

    def __post_init__(self) -> None:
        for part in (self.api_key, self.api_secret, self.passphrase):
            if part is not None:
                keep_secret(part.get_secret_value())


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


class CoinGeckoPlan(StrEnum):
    """Which of CoinGecko's two services is asked; each has its own address and its own keys."""

    DEMO = "demo"
    PRO = "pro"


class HistorySettings(BaseSettings):
    """How sources of history are reached that are no venues. Kept out of `Settings`, which holds no secret.

    `coingecko_api_key` None: CoinGecko is asked without a key, at the demo address. `coingecko_calls_per_minute` None:
    as the least plan allows.
    """

    model_config = SettingsConfigDict(env_prefix="NIJA_", env_ignore_empty=True, extra="ignore", frozen=True)

    coingecko_plan: CoinGeckoPlan = CoinGeckoPlan.DEMO
    coingecko_api_key: SecretStr | None = None
    coingecko_calls_per_minute: Annotated[float, Field(ge=1, le=10_000)] | None = None
    coingecko_url: str | None = None
    polymarket_url: str | None = None

    @field_validator("coingecko_api_key", mode="after")
    @classmethod
    def _never_logged(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            keep_secret(key.get_secret_value())
        return key


class DeskSettings(BaseSettings):
    """Where the desk is served, and by which address people reach it.

    `url`: that address where it is not the desk's own, as behind a proxy; with https the cookies are for https alone.
    `proxies`: addresses, separated by commas, that are believed when they say for whom they ask.
    """

    model_config = SettingsConfigDict(env_prefix="NIJA_DESK_", env_ignore_empty=True, extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 4280
    url: HttpUrl | None = None
    proxies: str = ""


class LogFormat(StrEnum):
    """How lines of the log are written."""

    CONSOLE = "console"
    JSON = "json"


class LogSettings(BaseSettings):
    """What is logged on this machine, and how. `log_level` None: nothing is said of it."""

    model_config = SettingsConfigDict(env_prefix="NIJA_", env_ignore_empty=True, extra="ignore", frozen=True)

    log_format: LogFormat = LogFormat.CONSOLE
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = None

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        return value.upper() if info.field_name == "log_level" else value.lower()


class _WithoutItsStore(Settings):
    """The settings of a home whose store does not run. To work on another one would part the ledger in two."""

    @property
    def store_url(self) -> str:
        """Raise StoreError: there is a store, and it is not there."""
        why = "this home's store is the PostgreSQL of `nija up`, which does not run: start it, or set NIJA_DATABASE_URL"
        raise StoreError("STORE_UNREACHABLE", str(self.home.absolute()), why)


def load_settings() -> Settings:
    """Read the environment, then what `nija up` has left in the home folder; the environment wins.

    Raises: ConfigError naming the variable, or the file of the stack.
    """
    try:
        settings = Settings()
        if settings.database_url is not None or not (settings.home / "stack.json").exists():
            return settings
        from models.stack import read_record  # noqa: PLC0415 - only a home with a stack pays for the process list

        record = read_record(settings.home)
        if record is None or not record.holds_store:
            return settings
        if not record.store_is_there:
            return _WithoutItsStore()
        return settings.model_copy(update={"database_url": record.database_url.get_secret_value()})
    except ValidationError as error:
        raise _wrong(error) from None


def load_log_settings() -> LogSettings:
    """Read what the environment says of the log. Raises: ConfigError naming the variable."""
    try:
        return LogSettings()
    except ValidationError as error:
        raise _wrong(error) from None


def load_history_settings() -> HistorySettings:
    """Read what the environment says of the sources of history. Raises: ConfigError naming the variable."""
    try:
        return HistorySettings()
    except ValidationError as error:
        raise _wrong(error) from None


def load_desk_settings() -> DeskSettings:
    """Read what the environment says of the desk. Raises: ConfigError naming the variable."""
    try:
        return DeskSettings()
    except ValidationError as error:
        raise _wrong(error, "NIJA_DESK_") from None


def _wrong(error: ValidationError, prefix: str = "NIJA_") -> ConfigError:
    first = error.errors()[0]
    name = f"{prefix}{str(first['loc'][0]).upper()}"
    return ConfigError(f"environment {name}", f"{first['msg']}, found {first['input']!r}")


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


def prefect_api(home: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the address of the Prefect server that somebody named: the environment, else the stack of this home."""
    named = environment.get("PREFECT_API_URL")
    if named or not (home / "stack.json").exists():
        return named
    from models.stack import read_record  # noqa: PLC0415 - see above

    record = read_record(home)
    return record.prefect_api_url if record is not None and record.server_is_there else None


def database_of(home: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the PostgreSQL that somebody runs for this home: the environment's, else the last stack's.

    None: there is none, and a stack makes its own.
    """
    named = environment.get("NIJA_DATABASE_URL")
    if named or not (home / "stack.json").exists():
        return named or None
    from models.stack import read_record  # noqa: PLC0415 - see above

    record = read_record(home)
    return None if record is None or record.own_postgres else record.database_url.get_secret_value()
