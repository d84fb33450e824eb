"""What accounts of one venue share: one HTTP session, one `load_markets`, one tickers read while it is fresh."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Self, TypeVar

import aiohttp

from brokers.account import AccountClient
from brokers.adapter import Adapter
from brokers.breaker import Breakers, CircuitBreaker
from brokers.client import build_client, forget_answer
from brokers.nonces import KeyTurn, Turns
from brokers.reads import read
from brokers.throttle import Throttle, priority
from brokers.venue_clock import VenueClock
from brokers.venues import adapter_for, capabilities_of
from models.amounts import exact
from models.breaker import EVERYBODY, HISTORY, Direction, address_of
from models.clock import Clock
from models.fleet import Account
from models.market import Market, Price
from models.policy import Policy
from models.settings import Credentials
from rules.throttle import Priority

T = TypeVar("T")

TICKERS_FRESH_FOR = timedelta(seconds=30)
_ENOUGH_TO_JUDGE = 20  # markets; any real venue has more


@dataclass(frozen=True, slots=True)
class Tickers:
    """Every price of a venue, read by one call."""

    prices: Mapping[str, Price]  # by symbol; a price may be zero, negative or NaN: the gate judges it
    read_at: datetime
    passed: set[str] = field(default_factory=set)  # symbols that the gate has let through since they were read


class SharedVenue:
    """One venue at one address. Two who ask at once get the same read, or the same failure."""

    def __init__(  # noqa: PLR0917 - see `Venues.shared`, which alone builds it
        self,
        venue: str,
        url: str | None,
        session: aiohttp.ClientSession,
        timeout: float,
        clock: Clock,
        turns: Turns,
        credentials: Credentials | None = None,
        breakers: Breakers | None = None,
        account: str = EVERYBODY,
        throttle: Throttle | None = None,
    ) -> None:
        self._adapter: Adapter = adapter_for(venue)
        self._url = url
        self._session = session
        self._timeout = timeout
        self._clock = clock
        self._venue_clock = VenueClock(venue, clock)
        self._turns = turns
        self._throttle = throttle
        self._breakers = breakers
        self._breaker = self._breaker_of(account, Direction.READ)
        self._history_breaker = self._breaker_of(HISTORY, Direction.READ)
        self._client = self._build(credentials)
        self._markets: _Once[None] = _Once()
        self._tickers: _Once[Tickers] = _Once()
        self._by_quote: dict[str, Mapping[str, Market]] = {}
        self._assets: frozenset[str] = frozenset()

    async def load(self, policy: Policy) -> None:
        """Load the markets unless they are there. Raises: VenueUnavailable, VenueRefused."""
        await self._markets.get(lambda: self._load(policy))

    async def tickers(self, policy: Policy) -> Tickers:
        """Return all prices, not older than half a minute. Raises: VenueUnavailable, VenueRefused."""
        await self.load(policy)
        return await self._tickers.get(
            lambda: self._read("tickers", self._read_tickers, policy),
            still_good=lambda tickers: self._clock.now() - tickers.read_at < TICKERS_FRESH_FOR,
        )

    async def newest_tickers(self, policy: Policy) -> Tickers:
        """Read all prices now; whoever asks for prices afterwards gets these. Raises: VenueUnavailable, VenueRefused.

        Nobody waits for this read, and one that fails leaves the prices that are there.
        """
        await self.load(policy)
        tickers = await self._read("tickers", self._read_tickers, policy)
        self._tickers.keep(tickers)
        return tickers

    async def history(self, operation: str, call: Callable[[Any], Awaitable[T]], policy: Policy) -> T:
        """Make one read of the past with the shared ccxt client: whatever else is asked of the venue goes first.

        Its faults feed a breaker of their own. Raises: VenueUnavailable, VenueRefused.
        """
        with priority(Priority.HISTORY):
            await self.load(policy)
            return await read(
                self._adapter.venue,
                operation,
                lambda: call(self._client),
                policy=policy,
                clock=self._clock,
                breaker=self._history_breaker,
            )

    def timeframes(self) -> Collection[str]:
        """Return the lengths of candles that ccxt knows of the venue."""
        return frozenset(self._client.timeframes or ())

    @property
    def address(self) -> str:
        """Host and port of a venue that is not at its own address; empty: it is."""
        return address_of(self._url)

    def now(self) -> datetime:
        """Return the hour at the venue; before its markets are loaded, ours."""
        return self._venue_clock.now()

    def markets(self, quote: str) -> Mapping[str, Market]:
        """Return the spot markets quoted in `quote`, by symbol, as the venue describes them."""
        if quote not in self._by_quote:
            self._by_quote[quote] = {
                raw["symbol"]: _market(raw, self._client)
                for raw in self._client.markets.values()
                if raw.get("spot") and raw["quote"] == quote
            }
        return self._by_quote[quote]

    def quotes(self) -> Mapping[str, int]:
        """Return how many spot markets there are in each quote currency."""
        return Counter(str(raw["quote"]) for raw in self._client.markets.values() if raw.get("spot"))

    def assets(self) -> frozenset[str]:
        """Return every asset that the venue's metadata names."""
        if not self._assets:
            bases = {str(market["base"]) for market in self._client.markets.values()}
            self._assets = frozenset(self._client.currencies) | bases
        return self._assets

    def account_client(self, account: str, credentials: Credentials, policy: Policy) -> AccountClient:
        """Return a client for one account that shares the loaded markets."""
        turn = None
        if self._adapter.capabilities.ordered_nonces:
            turn = self._turns.of(credentials.api_key.get_secret_value())
        client = self._build(credentials, turn)
        client.set_markets_from_exchange(self._client)
        client.number = str
        return AccountClient(
            account,
            client,
            self._adapter,
            policy=policy,
            clock=self._clock,
            venue_clock=self._venue_clock,
            reads=self._breaker_of(account, Direction.READ),
            writes=self._breaker_of(account, Direction.WRITE),
        )

    async def close(self) -> None:
        """Let go of the client."""
        await self._client.close()

    def _build(self, credentials: Credentials | None, turn: KeyTurn | None = None) -> Any:
        gate = None
        if self._throttle is not None:
            key = None if credentials is None else credentials.api_key.get_secret_value()
            gate = self._throttle.gate(self._adapter.venue, self._url, key)
        return build_client(
            self._adapter.venue,
            self._adapter.config(self._url),
            session=self._session,
            required_keys=self._adapter.required_key,
            timeout_seconds=self._timeout,
            credentials=credentials,
            turn=turn,
            gate=gate,
            venue_clock=self._venue_clock,
            mixins=self._adapter.client_mixins,
        )

    async def _load(self, policy: Policy) -> None:
        """Load the markets, and see how far the venue's clock is from ours: requests and prices are dated by it."""
        await self._read("markets", self._load_markets, policy)

    async def _read(self, operation: str, call: Callable[[], Awaitable[T]], policy: Policy) -> T:
        return await read(self._adapter.venue, operation, call, policy=policy, clock=self._clock, breaker=self._breaker)

    def _breaker_of(self, account: str, direction: Direction) -> CircuitBreaker | None:
        if self._breakers is None:
            return None
        return self._breakers.of(self._adapter.venue, self._url, account, direction)

    async def _load_markets(self) -> None:
        measuring = asyncio.ensure_future(self._measure_clock())
        try:
            await self._list_markets()
            await measuring
        finally:
            measuring.cancel()  # of a load that failed: the next one measures again

    async def _measure_clock(self) -> None:
        forget_answer()  # what it hears is no answer to the call that it goes beside
        await self._venue_clock.measure(lambda: self._adapter.time(self._client))

    async def _list_markets(self) -> None:
        # ccxt compares precisions as floats while it loads; their shortest form is the text the venue wrote. Everything
        # after that (prices, orders, fills) stays the string that the venue wrote, until `exact` reads it.
        self._client.number = float
        await self._client.load_markets(True)  # noqa: FBT003 - ccxt's own signature: load them anew
        self._client.number = str
        if not self._client.markets:
            raise ValueError("the venue lists no market")

    async def _read_tickers(self) -> Tickers:
        raw = await self._adapter.tickers(self._client)
        if not raw:
            raise ValueError("the venue lists no ticker")
        markets = self._client.markets
        active = {symbol for symbol, m in markets.items() if m.get("spot") and m.get("active") is not False}
        if _lacks_too_many(active, raw):
            raise ValueError("the venue's tickers lack more than a third of its markets")
        if _lacks_too_many(raw, markets):
            raise ValueError("the venue's markets lack more than a third of its tickers")
        now = self._clock.now()
        known = {symbol: ticker for symbol, ticker in raw.items() if ticker.get("last") is not None}
        return Tickers({symbol: self._price(ticker, now) for symbol, ticker in known.items()}, now)

    def _price(self, ticker: Mapping[str, Any], now: datetime) -> Price:
        milliseconds = ticker.get("timestamp")
        try:
            value = exact(ticker["last"])
        except ValueError:
            value = Decimal("NaN")  # shown to the gate as what it is
        at = now
        if milliseconds is not None:
            at = self._venue_clock.here(datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
        return Price(value, "ticker.last", at, _offered(ticker.get("bid")), _offered(ticker.get("ask")))


def _offered(price: Any) -> Decimal | None:
    """Return the best bid or ask; None: there is none that can be read."""
    try:
        offered = None if price is None else exact(price)
    except ValueError:
        return None
    return offered if offered is not None and offered > 0 else None


class Venues:
    """Every venue of a run, on one HTTP session."""

    def __init__(
        self,
        clock: Clock,
        timeout_seconds: float,
        turns: Turns,
        breakers: Breakers | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._throttle = throttle
        self._breakers = breakers
        self._clock = clock
        self._timeout = timeout_seconds
        self._turns = turns
        self._session: aiohttp.ClientSession | None = None
        self._shared: dict[tuple[str, str | None, str | None], SharedVenue] = {}

    @property
    def clock(self) -> Clock:
        """The clock of this run."""
        return self._clock

    @property
    def throttle(self) -> Throttle | None:
        """Where calls wait for an allowance; None: nowhere."""
        return self._throttle

    @property
    def timeout_seconds(self) -> float:
        """How long one request may take."""
        return self._timeout

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session that every client of this run uses."""
        if self._session is None:
            raise RuntimeError("Venues is a context manager: use it inside `async with`")
        return self._session

    def history_breaker(self, source: str, url: str | None) -> CircuitBreaker | None:
        """Return the breaker of a source of history that is no venue."""
        return None if self._breakers is None else self._breakers.of(source, url, HISTORY, Direction.READ)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=200, limit_per_host=100)
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for shared in self._shared.values():
            await shared.close()
        if self._session is not None:
            await self._session.close()
        if self._throttle is not None:
            await self._throttle.close()
        if self._breakers is not None:
            await self._breakers.write_down()

    def spare(self, url: str) -> None:
        """Let all calls to a simulated venue go at once that does not count them."""
        if self._throttle is not None:
            self._throttle.spare(url)

    def shared(self, account: Account, url: str | None, credentials: Credentials) -> SharedVenue:
        """Return what the account shares with all others at the same venue and address.

        Where even the list of markets takes a key, it shares nothing: the fault of one key must not meet the others.
        """
        if capabilities_of(account.venue).markets_need_key:
            return self._shared_by(account.venue, url, account.id, credentials)
        return self._shared_by(account.venue, url, None, None)

    def public(self, venue: str, url: str | None) -> SharedVenue:
        """Return what all accounts share at a venue whose list of markets takes no key."""
        return self._shared_by(venue, url, None, None)

    def _shared_by(
        self, venue: str, url: str | None, account: str | None, credentials: Credentials | None
    ) -> SharedVenue:
        key = (venue, url, account)
        if key not in self._shared:
            self._shared[key] = SharedVenue(
                venue,
                url,
                session=self.session,
                timeout=self._timeout,
                clock=self._clock,
                turns=self._turns,
                credentials=credentials,
                breakers=self._breakers,
                account=account or EVERYBODY,
                throttle=self._throttle,
            )
        return self._shared[key]


class _Once(Generic[T]):
    """One value that many wait for: read once, kept while it is good, its failure shared by those who waited."""

    def __init__(self) -> None:
        self._task: asyncio.Future[T] | None = None

    def keep(self, value: T) -> None:
        """Let everybody have this value from now on."""
        self._task = asyncio.get_running_loop().create_future()
        self._task.set_result(value)

    async def get(self, make: Callable[[], Awaitable[T]], still_good: Callable[[T], bool] = lambda _: True) -> T:
        task = self._task
        if task is None or (task.done() and (task.cancelled() or task.exception() or not still_good(task.result()))):
            self._task = task = asyncio.ensure_future(_await(make))
        return await asyncio.shield(task)


def _lacks_too_many(wanted: Collection[str], found: Collection[str]) -> bool:
    """Whether a list is torn: it would leave holdings without a price or a market, and others would go in their stead.

    A venue names every market in both of its lists; few of them prove nothing.
    """
    missing = sum(symbol not in found for symbol in wanted)
    return len(wanted) >= _ENOUGH_TO_JUDGE and missing * 3 > len(wanted)


async def _await(make: Callable[[], Awaitable[T]]) -> T:
    return await make()


def _market(raw: Mapping[str, Any], client: Any) -> Market:
    limits = raw.get("limits") or {}
    amount, at_market = limits.get("amount") or {}, limits.get("market") or {}
    largest = [n for n in (_number(amount.get("max")), _number(at_market.get("max"))) if n]
    smallest = [n for n in (_number(amount.get("min")), _number(at_market.get("min"))) if n]
    return Market(
        symbol=raw["symbol"],
        base=raw["base"],
        quote=raw["quote"],
        active=raw.get("active") is not False,
        lot_step=_step((raw.get("precision") or {}).get("amount"), client),
        minimum_quantity=max(smallest, default=None),
        maximum_quantity=min(largest, default=None),
        minimum_notional=_number((limits.get("cost") or {}).get("min")),
        taker_fee_fraction=_number(raw.get("taker")),
    )


def _step(precision: Any, client: Any) -> Decimal:
    if precision is None:
        return Decimal("1e-8")  # ccxt itself sends eight decimals where the venue states none
    number = _number(precision)
    if number is None:
        return Decimal(0)  # stated and unreadable: nothing is sold in such a market
    return number if client.precisionMode == _TICK_SIZE else Decimal(1).scaleb(-int(number))


def _number(raw: Any) -> Decimal | None:
    try:
        return None if raw is None else exact(raw)
    except (ValueError, InvalidOperation):
        return None


_TICK_SIZE = 4  # ccxt.TICK_SIZE
