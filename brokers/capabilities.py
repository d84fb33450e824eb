"""What a venue can do and what it asks for, as a record: the adapters read it, and `nija venues` prints it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Repeat(StrEnum):
    """What becomes of an order whose client order id was used before."""

    RETURNS_FIRST = "returns_first"  # placement is idempotent
    REFUSED = "refused"
    REFUSED_WHILE_OPEN = "refused_while_open"  # a filled order's id can sell again
    UNKNOWN = "unknown"


class LookUp(StrEnum):
    """How an order is found by our id."""

    BY_ID = "by_id"
    IN_LISTS = "in_lists"  # open and closed orders are listed and compared
    NONE = "none"


class Late(StrEnum):
    """What the venue does with an order that reaches it after its deadline."""

    REFUSED = "refused"  # so one that is not found by then never arrives
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Dust:
    """How small balances are converted: into what, and how many assets one request may name."""

    into: str
    assets_per_request: int
    valid_seconds: float | None = None  # how long a signed request may still arrive; None: as an order may


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One venue. `verified`: an adapter of ours speaks to it, and the drills run against its wire format."""

    venue: str
    name: str
    quotes: tuple[str, ...] = ("USD", "USDT")
    verified: bool = False
    repeat: Repeat = Repeat.UNKNOWN
    look_up: LookUp = LookUp.NONE
    late: Late = Late.TAKEN
    dust: Dust | None = None
    reports_permissions: bool = False
    reports_equity: bool = False
    candles_per_page: int | None = None
    candles_kept: int | None = None  # None: the whole history is served
    ordered_nonces: bool = False  # nonces must reach the venue in the order they were drawn
    checks_clock: bool = True  # requests are refused where our clock is off
    needs_passphrase: bool = False
    markets_need_key: bool = False  # its list of markets is not public
    orders_per_read: int = 1
    buys_by_quantity: bool = False  # a market buy can name the quantity it wants
    documents: str = ""  # address of the venue's own API documentation

    @property
    def is_idempotent(self) -> bool:
        """Whether a placement sent twice under one id can never execute twice."""
        return self.repeat in {Repeat.RETURNS_FIRST, Repeat.REFUSED}


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a key may do, as its venue reports it. None: not reported."""

    trade: bool | None
    withdraw: bool | None
    expires_in: timedelta | None = None
    detail: str = ""
