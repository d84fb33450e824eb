"""Our errors, by what a caller may do next.

NijaError
├── ConfigError           fix a file or the environment; nothing was touched
│   ├── BadBars           prices that no strategy can be tested on, by row and column
│   ├── NoServer          no Prefect server answers; start one
│   └── LooksAhead        a strategy that uses what was not known yet; nothing it shows is true
├── ContractBroken        data failed its contract; the account is left alone
│   └── EquityMismatched  the sum of values is not what the venue says the account is worth
├── EmptyLooking          a read that would forget what is tracked; the account is left alone
├── BalanceLagging        the balance does not show yet what was sold; the account is left alone
├── VaultLocked           the account's stored keys cannot be opened; restore the master key, or add them again
├── ChannelLocked         an alert channel's address cannot be opened; restore the master key, or add it again
├── PlanExpired           too old to be applied; plan again
├── NotMeasured           a strategy without a backtest that is new enough; test it again
├── KeyMayWithdraw        the key can move funds out; no order is sent with it
├── AccessRefused         whoever asks may not
│   ├── NotLoggedIn       nobody is known at this door; log in, or send a token
│   ├── NotAllowed        known, and not allowed; ask an admin
│   └── TooManyTries      wait, then try again
├── TooLarge              more was sent than anybody has to say
├── NotFound              there is nothing of that name
├── Changed               what was decided on is not what is there any more; look again
│   └── EditedMeanwhile   somebody has edited it since it was read; read it again
├── LeaseHeld             another run has the account; come back later
├── LeaseLost             another run took the account over; stop at once
├── StoreError            the ledger is not there; no order leaves
└── VenueError
    ├── VenueUnavailable  a read failed in transport; retry
    │   └── NotAsked      our own guard kept the call back: the breaker is open, or the venue wants to be left alone
    ├── VenueRefused      proof of refusal, with its reason
    │   └── SignAgain     refused before it was looked at (nonce, clock); may be signed and sent again
    └── OutcomeUnknown    sent, no proof either way; look up, never resend
"""

from datetime import datetime
from decimal import Decimal


class NijaError(Exception):
    """The root of everything Nija raises on purpose; `code` is public, the sentence is not."""

    code = "NIJA_ERROR"


class ConfigError(NijaError):
    """A file, a flag or the environment must be fixed first; nothing was touched."""

    code = "CONFIG_ERROR"

    def __init__(self, where: str, problem: str, allowed: str = "") -> None:
        super().__init__(where, problem, allowed)  # all positional, so pickling restores it
        self.where, self.problem, self.allowed = where, problem, allowed

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f" (allowed: {self.allowed})" if self.allowed else "")


class BadBars(ConfigError):
    """Prices that no strategy can be tested on. `row`: counted from 1; None: the fault is in no single row."""

    code = "BAD_BARS"

    def __init__(self, where: str, row: int | None, column: str, why: str) -> None:
        super().__init__(where, why)
        self.args = (where, row, column, why)
        self.row, self.column, self.why = row, column, why

    def __str__(self) -> str:
        at = "" if self.row is None else f"row {self.row}, "
        return f"{self.where}: {at}column {self.column}: {self.why}"


class NoServer(ConfigError):
    """No Prefect server answers: there is nobody to give a run to."""

    def __init__(self, why: str = "no Prefect server runs for this home") -> None:
        super().__init__("Prefect", why, "nija up, or PREFECT_API_URL of a server with a worker")
        self.args = (why,)


class LooksAhead(ConfigError):
    """A strategy uses what was not known yet, so its backtest shows what nobody could have earned."""

    code = "LOOKS_AHEAD"

    def __init__(self, strategy: str, peek: str) -> None:
        super().__init__(strategy, f"looks ahead: {peek}", "signals of closed bars alone")
        self.args = (strategy, peek)
        self.strategy, self.peek = strategy, peek


class ContractBroken(NijaError):
    """Rows failed their contract: no write for this account. `rows` names each as "symbol: reason"."""

    code = "CONTRACT_BROKEN"

    def __init__(self, account: str, frame: str, rows: tuple[str, ...]) -> None:
        super().__init__(account, frame, rows)
        self.account, self.frame, self.rows = account, frame, rows

    def __str__(self) -> str:
        return f"{self.frame} of {self.account} broke their contract: {'; '.join(self.rows)}"


class EquityMismatched(ContractBroken):
    """The sum of values is not what the venue says the account is worth: a unit or a price is wrong."""

    code = "EQUITY_MISMATCH"

    def __init__(self, account: str, computed: Decimal, reported: Decimal) -> None:
        super().__init__(account, "equity", (f"computed {computed:.2f}", f"reported {reported:.2f}"))
        self.args = (account, computed, reported)
        self.computed, self.reported = computed, reported


class BalanceLagging(NijaError):
    """The venue's balance still holds what the venue's own fills say was sold: what is there is not known."""

    code = "BALANCE_LAGGING"

    def __init__(self, account: str, symbols: tuple[str, ...]) -> None:
        super().__init__(account, symbols)
        self.account, self.symbols = account, symbols

    def __str__(self) -> str:
        return f"the balance of {self.account} does not show yet what was sold of {', '.join(self.symbols)}"


class VaultLocked(NijaError):
    """An account's stored keys cannot be opened. Other accounts, and keys in the environment, go on."""

    code = "VAULT_LOCKED"

    def __init__(self, account: str, problem: str) -> None:
        super().__init__(account, problem)
        self.account, self.problem = account, problem

    def __str__(self) -> str:
        return (
            f"the stored keys of {self.account} cannot be opened: {self.problem}; restore the master key, "
            f"or store them anew: nija keys add --account {self.account} --replace"
        )


class ChannelLocked(NijaError):
    """An alert channel's address cannot be opened. Other channels go on, and the alerts themselves stand."""

    code = "CHANNEL_LOCKED"

    def __init__(self, channel: str, problem: str) -> None:
        super().__init__(channel, problem)
        self.channel, self.problem = channel, problem

    def __str__(self) -> str:
        return (
            f"the address of channel {self.channel} cannot be opened: {self.problem}; restore the master key, "
            f"or add it anew: nija alerts channels remove {self.channel}, then add"
        )


class PlanExpired(NijaError):
    """The plan is too old to be applied."""

    code = "PLAN_EXPIRED"

    def __init__(self, account: str, expired_at: datetime) -> None:
        super().__init__(account, expired_at)
        self.account, self.expired_at = account, expired_at

    def __str__(self) -> str:
        return f"the plan of {self.account} expired at {self.expired_at:%H:%M:%S} UTC; nothing of it was sent"


class NotMeasured(NijaError):
    """Strategies of an account cannot be weighed: they have no backtest, or none that says what it could have done."""

    code = "NOT_MEASURED"

    def __init__(self, account: str, strategies: tuple[str, ...], days: Decimal) -> None:
        super().__init__(account, strategies, days)
        self.account, self.strategies, self.days = account, strategies, days

    def __str__(self) -> str:
        named = "; ".join(self.strategies)
        since = f"the last {self.days.normalize():f} days"
        needed = f"backtest under its policy on prices of {since}"
        return f"{self.account} has no {needed} of {named}: nija rebalance --refresh"


class EmptyLooking(NijaError):
    """A read shows less than is tracked and nothing explains it; absence is not a signal."""

    code = "EMPTY_READ"

    def __init__(self, account: str, tracked: int) -> None:
        super().__init__(account, tracked)
        self.account, self.tracked = account, tracked

    def __str__(self) -> str:
        return (
            f"{self.account}: the venue answered without holdings while {self.tracked} are tracked, and no cash "
            f"explains it; if they are truly gone: nija forget --account {self.account} --reason TEXT"
        )


class KeyMayWithdraw(NijaError):
    """The account's key may withdraw, and its fleet file does not allow that."""

    code = "KEY_MAY_WITHDRAW"

    def __init__(self, account: str, venue: str) -> None:
        super().__init__(account, venue)
        self.account, self.venue = account, venue

    def __str__(self) -> str:
        return (
            f"the key of {self.account} may withdraw from {self.venue}, and no order is sent with it: take that right "
            "away at the venue, or write `allow_withdrawal_key: true` at the account"
        )


class AccessRefused(NijaError):
    """Whoever asks may not have what they ask for. Nothing was done."""

    code = "ACCESS_REFUSED"


class NotLoggedIn(AccessRefused):
    """Nobody is known: no session and no token, or one that is over."""

    code = "NOT_LOGGED_IN"

    def __init__(self, why: str = "log in first, or send a token") -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class NotAllowed(AccessRefused):
    """Somebody is known, and may not do this. `needed`: the role or the permit that it takes."""

    code = "NOT_ALLOWED"

    def __init__(self, who: str, needed: str) -> None:
        super().__init__(who, needed)
        self.who, self.needed = who, needed

    def __str__(self) -> str:
        return f"{self.who} may not do this: it takes {self.needed}"


class TooManyTries(AccessRefused):
    """Too many attempts of late, by this name or from this address."""

    code = "TOO_MANY_TRIES"

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"too many attempts; try again in {self.seconds} s"


class TooLarge(NijaError):
    """More was sent than anybody has to say."""

    code = "TOO_LARGE"

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most

    def __str__(self) -> str:
        return f"what was sent is longer than {self.most} bytes"


class NotFound(NijaError):
    """There is nothing of that name."""

    code = "NOT_FOUND"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name)
        self.kind, self.name = kind, name

    def __str__(self) -> str:
        return f"there is no {self.kind} {self.name!r}"


class Changed(NijaError):
    """What somebody decided on is not what is there any more. Nothing was done."""

    code = "CHANGED"

    def __init__(self, what: str, now: str) -> None:
        super().__init__(what, now)
        self.what, self.now = what, now

    def __str__(self) -> str:
        return f"{self.what} is not what it was when you decided: {self.now}"


class EditedMeanwhile(Changed):
    """What was to be changed is not as it was read: somebody else was faster, and nothing was overwritten."""

    code = "EDITED_MEANWHILE"

    def __init__(self, what: str, version: int, by: str, at: datetime) -> None:
        super().__init__(what, f"{by} has changed it")
        self.args = (what, version, by, at)
        self.version, self.by, self.at = version, by, at

    def __str__(self) -> str:
        return f"{self.what} was changed by {self.by} at {self.at:%Y-%m-%d %H:%M:%S} UTC: read it again"


class LeaseHeld(NijaError):
    """Another run holds the account."""

    code = "LEASE_HELD"

    def __init__(self, account: str, holder: str, expires_at: datetime) -> None:
        super().__init__(account, holder, expires_at)
        self.account, self.holder, self.expires_at = account, holder, expires_at

    def __str__(self) -> str:
        return f"{self.account} is held by another run ({self.holder}) until {self.expires_at:%H:%M:%S} UTC"


class LeaseLost(NijaError):
    """The account's lease passed to another run: nothing more may be sent by this one."""

    code = "LEASE_LOST"

    def __init__(self, account: str) -> None:
        super().__init__(account)
        self.account = account

    def __str__(self) -> str:
        return f"{self.account} was taken over by another run; this one stopped"


class StoreError(NijaError):
    """The database cannot be read or written. `code` says how: STORE_LOCKED, STORE_READ_ONLY, STORE_FULL and so on."""

    def __init__(self, code: str, where: str, detail: str) -> None:
        super().__init__(code, where, detail)
        self.code, self.where, self.detail = code, where, detail

    def __str__(self) -> str:
        return f"store {self.where}: {self.detail}"


class VenueError(NijaError):
    """The venue did not give what was asked. `detail` is its own text, without secrets and addresses.

    `is_transport`: the way to the venue failed, or the venue itself; what was asked has nothing to do with it.
    """

    is_transport = False

    def __init__(self, code: str, venue: str, operation: str, detail: str) -> None:
        super().__init__(code, venue, operation, detail)
        self.code, self.venue, self.operation, self.detail = code, venue, operation, detail

    def __str__(self) -> str:
        return f"{self.venue} {self.operation}: {self.detail}"


class VenueUnavailable(VenueError):
    """A read failed in transport, or its answer cannot be read: retry it, infer nothing."""


class NotAsked(VenueUnavailable):
    """A guard of ours kept the call back: BREAKER_OPEN, or RATE_LIMITED for longer than a call should wait.

    Nothing was sent. `until`: when it may be tried again.
    """

    def __init__(self, code: str, venue: str, operation: str, detail: str, until: datetime) -> None:
        super().__init__(code, venue, operation, detail)
        self.args = (code, venue, operation, detail, until)
        self.until = until

    def __str__(self) -> str:
        return f"{super().__str__()}; not before {self.until:%Y-%m-%d %H:%M:%S} UTC"


class VenueRefused(VenueError):
    """The venue said no, and meant it."""


class SignAgain(VenueRefused):
    """Refused for its nonce or timestamp before it was looked at: may be signed and sent again."""


class OutcomeUnknown(VenueError):
    """Sent without an answer: the order keeps its funds and its cap slot until it is found."""
