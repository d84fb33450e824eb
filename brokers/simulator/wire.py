"""Define what a wire format has to offer: endpoints, who is calling, and how a yes and a no are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from brokers.simulator.refusals import Refusal


class Operation(StrEnum):
    """What a call is about, the same for every venue. `any` stands for all in fault rules."""

    TIME = "time"
    MARKETS = "markets"
    CURRENCIES = "currencies"
    TICKERS = "tickers"
    CANDLES = "candles"
    PUBLIC_TRADES = "public_trades"
    DEPTH = "depth"
    BALANCE = "balance"
    EQUITY = "equity"
    PLACE = "place"
    ORDER = "order"
    OPEN_ORDERS = "open_orders"
    CLOSED_ORDERS = "closed_orders"
    TRADES = "trades"
    CANCEL = "cancel"
    PERMISSIONS = "permissions"
    DUST_OFFER = "dust_offer"
    CONVERT_DUST = "convert_dust"
    DUST_HISTORY = "dust_history"
    UNKNOWN = "unknown"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One request as received. `signed_text` is what the signature covers; `params` holds query and form together."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: str
    body: bytes
    params: dict[str, str]
    now_ms: int
    account: str | None = None

    @property
    def owner(self) -> str:
        """Account of a signed call."""
        if self.account is None:
            raise ValueError(f"{self.path} is answered only after its signature was checked")
        return self.account


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of the venue. The handler returns JSON, or bytes it has kept ready."""

    name: str
    operation: Operation
    handler: Callable[[Call], Any]
    signed: bool = False
    weight: int = 1
    operation_of: Callable[[Call], Operation] | None = None  # where one path serves several

    def meant_by(self, call: Call) -> "Endpoint":
        """Return the endpoint with the operation that this call is."""
        return self if self.operation_of is None else replace(self, operation=self.operation_of(call))


class Wire(Protocol):
    """One venue's format."""

    def find(self, method: str, path: str) -> Endpoint | None:
        """Endpoint of a path; None where the venue has none."""

    def account_of(self, call: Call) -> str | None:
        """Account whose key came with the call, before its signature is checked."""

    def verify(self, call: Call, endpoint: Endpoint) -> None:
        """Check key, signature, nonce or clock, and rate limit. Raises: Refusal."""

    def symbol_of(self, call: Call) -> str | None:
        """Unified symbol the call is about, where it names one."""

    def accepted(self, payload: Any) -> Answer:
        """Write a yes."""

    def refused(self, refusal: Refusal) -> Answer:
        """Write a no in the venue's own words."""

    def emptied(self, payload: Any) -> Any:
        """Give the well-formed answer that contains nothing."""

    def verbatim(self, code: str | int | None, message: str | None, status: int | None) -> Refusal:
        """Make a refusal from the venue's own code or text."""
