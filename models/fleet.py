"""The fleet file: which accounts there are and what policy each follows. Holds no secret."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, model_validator
from pydantic_core import ErrorDetails

from models.errors import ConfigError
from models.history_plan import WantedHistory
from models.policy import Policy
from models.settings import POLICY_VARIABLES
from models.strategy_plan import PlannedStrategy
from models.watch import WatchLimits

_VARIABLES = {field: name for name, field in POLICY_VARIABLES.items()}
_NAMED = 5  # accounts of one warning
ACCOUNT_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"


class Kind(StrEnum):
    """Whose account it is: the operator's own, or one that is looked after for a user."""

    PLATFORM = "platform"
    USER = "user"


class Account(BaseModel):
    """One set of keys at one venue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[
        str, Field(pattern=ACCOUNT_ID, description="Letters, digits, - and _; names its credentials and reports.")
    ]
    kind: Kind
    venue: Annotated[str, Field(pattern=r"^[a-z0-9]+$", description="Any ccxt exchange id.")]
    policy: str | None = Field(default=None, description="A name under `policies`; without it every default holds.")
    quote: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$")] = "USD"
    url: HttpUrl | None = Field(default=None, description="Send every REST call of this account here.")
    simulated: str | None = Field(
        default=None,
        description="A world file, relative to this one: the account lives on a simulated venue that starts by itself.",
    )
    owner: str | None = Field(default=None, description="Accounts of one owner share one position cap.")
    allow_withdrawal_key: bool = Field(
        default=False,
        description="Send orders with a key that may also withdraw; without it such a key is refused.",
    )
    strategies: tuple[PlannedStrategy, ...] = Field(
        default=(), description="What nija rebalance weighs and shares the account's cash and their holdings among."
    )

    @model_validator(mode="after")
    def _one_place_only(self) -> Self:
        if self.url is not None and self.simulated is not None:
            raise ValueError("url and simulated exclude each other: a simulated account is sent to its own venue")
        return self

    @property
    def env_name(self) -> str:
        """The account's id as its credentials are named in the environment."""
        return self.id.upper().replace("-", "_")


class FleetLimits(BaseModel):
    """What holds over all accounts of the fleet together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_positions_total: int = Field(default=100, ge=1, le=1_000_000, description="Positions of all accounts together.")
    block_above_fraction: Decimal = Field(
        default=Decimal("0.90"),
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Entries stop while there are more positions than this part of `max_positions_total`.",
    )

    @property
    def allows_entry_up_to(self) -> int:
        """The most positions at which an entry is still allowed."""
        return int(self.max_positions_total * self.block_above_fraction)


class FleetFile(BaseModel):
    """The file as written; `policies` are kept as given, because the environment supplies what they leave out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    policies: dict[str, dict[str, Any]] = Field(default_factory=dict)
    accounts: Annotated[list[Account], Field(min_length=1)]
    limits: FleetLimits = Field(default_factory=FleetLimits)
    watch: WatchLimits = Field(default_factory=WatchLimits)
    history: list[WantedHistory] = Field(default_factory=list)


class Fleet(BaseModel):
    """A fleet file that was read, checked and completed: every account with its whole policy."""

    model_config = ConfigDict(frozen=True)

    path: Path
    accounts: tuple[Account, ...]
    policies: dict[str, Policy]  # by account id
    limits: FleetLimits = FleetLimits()
    watch: WatchLimits = WatchLimits()
    history: tuple[WantedHistory, ...] = ()

    def choose(self, ids: Sequence[str]) -> tuple[Account, ...]:
        """Return the accounts named, in file order; all of them when none is named.

        Raises: ConfigError for an id that is not in the file.
        """
        known = [account.id for account in self.accounts]
        for wanted in ids:
            if wanted not in known:
                raise ConfigError("--account", f"{wanted!r} is not in {self.path}", ", ".join(known))
        return tuple(account for account in self.accounts if not ids or account.id in ids)

    def siblings(self, account: Account) -> tuple[Account, ...]:
        """Return the other accounts of the same owner: they share its position cap."""
        if account.owner is None:
            return ()
        return tuple(a for a in self.accounts if a.owner == account.owner and a.id != account.id)

    def of_others(self, account: Account) -> tuple[Account, ...]:
        """Return the accounts that are neither this one nor its owner's."""
        own = {account.id, *(sibling.id for sibling in self.siblings(account))}
        return tuple(a for a in self.accounts if a.id not in own)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the file allows but an operator should know."""
        return (*self._alone_at_their_venue(), *self._bought_back())

    def _alone_at_their_venue(self) -> tuple[str, ...]:
        with_platform = {account.venue for account in self.accounts if account.kind is Kind.PLATFORM}
        alone = [a for a in self.accounts if a.kind is Kind.USER and a.venue not in with_platform]
        if not alone:
            return ()
        if len(alone) == 1:
            words = f"user account {alone[0].id!r} is on {alone[0].venue}, where no platform account is"
        else:
            names = ", ".join(f"{a.id!r} on {a.venue}" for a in alone[:_NAMED])
            more = f" and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
            words = f"{len(alone)} user accounts are on venues where no platform account is: {names}{more}"
        return (f"PLATFORM_NOT_CONFIGURED: {words}",)

    def _bought_back(self) -> tuple[str, ...]:
        """Name the accounts where a time limit sells what the next rebalancing buys again, with fees both times."""
        both = [a.id for a in self.accounts if a.strategies and self.policies[a.id].rebalances_against_its_exits]
        if not both:
            return ()
        names = ", ".join(repr(name) for name in both[:_NAMED]) + (", …" if len(both) > _NAMED else "")
        words = "exits after max_hold_hours sell what rebalancing buys, and it buys it again: set max_hold_hours: null"
        return (f"EXITS_UNDO_REBALANCING: {names}: {words}",)


def load_fleet(path: Path, defaults: Mapping[str, Any]) -> Fleet:
    """Read and check a fleet file; `defaults` are policy values from the environment, which the file overrides.

    Raises: ConfigError, naming the file, the place in it and the allowed values.
    """
    raw = _read_yaml(path)
    try:
        file = FleetFile.model_validate(raw)
    except ValidationError as error:
        raise _config_error(path, error.errors()[0], FleetFile) from None
    policies = {name: _policy(path, name, values, defaults) for name, values in file.policies.items()}
    fallback = _policy(path, None, {}, defaults)
    names = sorted(policies)
    seen: dict[str, str] = {}
    for place, account in enumerate(file.accounts):
        if account.policy is not None and account.policy not in policies:
            raise ConfigError(
                f"{path}: accounts[{place}].policy",
                f"unknown policy {account.policy!r}",
                ", ".join(names) or "none defined",
            )
        if account.env_name in seen:
            problem = f"{account.id!r} and {seen[account.env_name]!r} would read the same credentials"
            raise ConfigError(f"{path}: accounts[{place}].id", problem, "ids that differ in more than - and _")
        seen[account.env_name] = account.id
    _check_restricted(path, file, policies)
    _check_strategies(path, file.accounts)
    by_account = {a.id: fallback if a.policy is None else policies[a.policy] for a in file.accounts}
    _check_history(path, file.history)
    return Fleet(
        path=path,
        accounts=tuple(file.accounts),
        policies=by_account,
        limits=file.limits,
        watch=file.watch,
        history=tuple(file.history),
    )


def fleet_schema() -> dict[str, Any]:
    """Return the JSON schema of a fleet file, policies spelled out."""
    schema = FleetFile.model_json_schema()
    policy = Policy.model_json_schema()
    policy.pop("required", None)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Nija fleet file"
    schema["$defs"]["Policy"] = policy
    schema["properties"]["policies"]["additionalProperties"] = {"$ref": "#/$defs/Policy"}
    return schema


def _read_yaml(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(str(path), "no such fleet file", "--fleet PATH, NIJA_FLEET, or ./fleet.yaml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}") from None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}: line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise ConfigError(place, f"is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(str(path), f"is not YAML: {' '.join(str(error).split())}") from None


def _policy(path: Path, name: str | None, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Policy:
    """Complete the policy `name`; None: the one of accounts that name none, made of defaults alone."""
    try:
        return Policy.model_validate({**defaults, **{k: _as_exact(v) for k, v in values.items()}})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        if field in defaults and field not in values:
            raise ConfigError(f"environment {_VARIABLES[field]}", f"{first['msg']}, found {first['input']!r}") from None
        if name is None:
            raise ConfigError("environment", first["msg"].removeprefix("Value error, ")) from None
        first["loc"] = ("policies", name, *first["loc"])
        raise _config_error(path, first, Policy) from None


def _check_restricted(path: Path, file: FleetFile, policies: Mapping[str, Policy]) -> None:
    """Refuse a restricted symbol that no market of the accounts can have: it would restrict nothing.

    An account trades in the markets of its own quote currency alone. Raises: ConfigError.
    """
    for name, policy in policies.items():
        quotes = sorted({account.quote for account in file.accounts if account.policy == name})
        for place, symbol in enumerate(policy.restricted_symbols):
            if quotes and symbol.split("/")[1] not in quotes:
                raise ConfigError(
                    f"{path}: policies.{name}.restricted_symbols[{place}]",
                    f"{symbol!r} is no market of an account under this policy",
                    ", ".join(f"BASE/{quote}" for quote in quotes),
                )


def _check_strategies(path: Path, accounts: Sequence[Account]) -> None:
    """Refuse a strategy on a market of another currency, or one that stands there twice. Raises: ConfigError."""
    for place, account in enumerate(accounts):
        seen: dict[str, int] = {}
        for number, planned in enumerate(account.strategies):
            where = f"{path}: accounts[{place}].strategies[{number}]"
            if planned.symbol.split("/")[1] != account.quote:
                problem = f"{planned.symbol!r} is no market of {account.id}"
                raise ConfigError(f"{where}.symbol", problem, f"BASE/{account.quote}")
            first = seen.setdefault(planned.label, number)
            if first != number:
                raise ConfigError(where, f"{planned.label} is in strategies[{first}] already", "each of them once")


def _check_history(path: Path, history: Sequence[WantedHistory]) -> None:
    """Refuse a series that is wanted twice: nobody could say since when, or from where. Raises: ConfigError."""
    seen: dict[tuple[str, str, str], int] = {}
    for place, wanted in enumerate(history):
        for symbol in wanted.symbols:
            first = seen.setdefault((wanted.source, symbol, wanted.timeframe), place)
            if first != place:
                problem = f"{wanted.source} {symbol} {wanted.timeframe} is in history[{first}] already"
                raise ConfigError(f"{path}: history[{place}].symbols", problem, "each series once")


def _as_exact(value: object) -> object:
    """Give YAML's floats back the digits that were written: 7.5 is 7.5 and not its binary neighbour."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _config_error(path: Path, error: ErrorDetails, model: type[BaseModel]) -> ConfigError:
    place = ""
    for part in error["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    allowed = ""
    problem = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        problem = "unknown key"
        parts: dict[str, type[BaseModel]] = {
            "accounts": Account,
            "limits": FleetLimits,
            "watch": WatchLimits,
            "history": WantedHistory,
        }
        owner = model if len(error["loc"]) == 1 else parts.get(str(error["loc"][0]), model)
        if "strategies" in error["loc"][:-1]:
            owner = PlannedStrategy
        allowed = ", ".join(sorted(owner.model_fields))
    elif error["type"] in {"enum", "literal_error"}:
        allowed = str(error["ctx"]["expected"])
        problem = f"{error['input']!r} is not allowed"
    elif error["type"] == "missing":
        problem = "is missing"
    elif error["type"] != "value_error":
        problem = f"{problem}, found {error['input']!r}"
    return ConfigError(f"{path}: {place}" if place else str(path), problem, allowed)
