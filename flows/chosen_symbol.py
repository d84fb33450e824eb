"""One symbol of one account, as a person names it: held to what the account can have."""

from dataclasses import dataclass

from models.errors import ConfigError
from models.fleet import Fleet
from models.reasons import Mode


@dataclass(frozen=True, slots=True)
class Chosen:
    """One symbol of one account of the fleet, with what every row about it says."""

    account: str
    symbol: str
    mode: Mode
    policy_version: str


def choose_symbol(fleet: Fleet, account: str, symbol: str, *, where: str = "--symbol") -> Chosen:
    """Find the account in the fleet, and hold the symbol to its quote currency. `where`: the symbol was named so.

    Raises: ConfigError: what is written otherwise would match nothing, and stop nothing.
    """
    (found,) = fleet.choose([account])
    base, slash, quote = symbol.partition("/")
    if not base or not slash or quote != found.quote:
        allowed = f"BASE/{found.quote}, as in ETH/{found.quote}"
        raise ConfigError(where, f"{symbol!r} is no symbol of {account!r}, which trades in {found.quote}", allowed)
    if base.islower():
        raise ConfigError(where, f"{symbol!r} is not written as venues are read", f"{base.upper()}/{quote}")
    mode = Mode.PAPER if found.simulated else Mode.LIVE
    return Chosen(found.id, symbol, mode, fleet.policies[found.id].version)
