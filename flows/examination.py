"""Examine one account at its venue: each check on its own, as far as what it needs is there. Nothing is changed."""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from pydantic import SecretStr

from brokers.account import AccountClient
from brokers.capabilities import Permissions
from brokers.hub import SharedVenue, Tickers
from brokers.venues import capabilities_of
from models.errors import ConfigError, NijaError, SignAgain, VenueRefused
from models.fleet import Account
from models.policy import Policy
from models.position import Holding, Snapshot
from models.reasons import Check
from models.settings import Credentials
from rules.examination import (
    Finding,
    failed,
    fine,
    judge_balance,
    judge_clock,
    judge_equity,
    judge_markets,
    judge_orders,
    judge_permissions,
    judge_prices,
    read_clock,
    skipped,
    warned,
)
from rules.valuation import value_holdings
from tasks.credentials import find_credentials
from tasks.runtime import Runtime, reach

T = TypeVar("T")

# A person waits for the answer: one more try shows whether a fault stays.
_MOST_ATTEMPTS, _LONGEST_DELAY = 2, 0.2
# What says that nobody answered; any other fault came from somebody who did.
_NOBODY_THERE = frozenset({"UNREACHABLE", "TIMEOUT", "MAINTENANCE", "RATE_LIMITED", "BREAKER_OPEN"})
_NO_KEYS = Credentials(SecretStr(""), SecretStr(""))
_AT_VENUE = tuple(check for check in Check if check not in {Check.CREDENTIALS, Check.CONNECTION, Check.STORE})
_SIGNED = (Check.PERMISSIONS, Check.BALANCE, Check.EQUITY, Check.OPEN_ORDERS)


class Examination:
    """One account's examination; what each check found is kept under its name.

    `keys`: those to try in the place of the account's own, before anything of them is kept.
    """

    def __init__(self, runtime: Runtime, account: Account, keys: Credentials | None = None) -> None:
        self.runtime = runtime
        self.account = account
        self.keys = keys
        self.capabilities = capabilities_of(account.venue)
        policy = runtime.fleet.policies[account.id]
        patience = {
            "balance_fetch_max_attempts": min(policy.balance_fetch_max_attempts, _MOST_ATTEMPTS),
            "balance_fetch_base_delay": min(policy.balance_fetch_base_delay, _LONGEST_DELAY),
        }
        self.policy: Policy = policy.model_copy(update=patience)
        self.findings: dict[Check, tuple[Finding, ...]] = {}

    async def at_venue(self) -> None:
        """Make every check that asks the venue, each as far as what it needs is there."""
        reached = await self._reach()
        if reached is None:
            return
        keys, url = reached
        venue = self.runtime.venues.shared(self.account, url, keys or _NO_KEYS)
        if not await self._connect(venue):
            return
        client = venue.account_client(self.account.id, keys or _NO_KEYS, self.policy)
        holdings, equity = None, None
        try:
            self.says(Check.CLOCK, await self._clock(client))
            if keys is None:
                self.skip((Check.KEYS, *_SIGNED), Check.CREDENTIALS)
            else:
                holdings, equity = await self._signed(client)
        finally:
            await client.close()
        await self._value(venue, holdings, equity)

    async def _reach(self) -> tuple[Credentials | None, str | None] | None:
        """Return keys and address, keys None where there are none. None: nothing at the venue can be asked."""
        if self.account.simulated is None:
            keys = await self._given_keys()
            if keys is None and self.capabilities.markets_need_key:
                self.skip((Check.CONNECTION, *_AT_VENUE), Check.CREDENTIALS)
                return None
            return keys, None if self.account.url is None else str(self.account.url)
        reached = await _tried(reach(self.runtime, self.account))
        if isinstance(reached, NijaError):
            self.says(Check.CONNECTION, _failure(reached))
            self.skip((Check.CREDENTIALS, *_AT_VENUE), Check.CONNECTION)
            return None
        self.says(Check.CREDENTIALS, fine("present, from the simulated world"))
        return reached

    async def _given_keys(self) -> Credentials | None:
        if self.keys is not None:
            found: tuple[Credentials, str] | NijaError = (self.keys, "form")
        else:
            found = await _tried(find_credentials(self.runtime.vault, self.account))
        if isinstance(found, NijaError):
            code = "CREDENTIALS_MISSING" if isinstance(found, ConfigError) else found.code
            self.says(Check.CREDENTIALS, failed(code, str(found)))
            return None
        keys, source = found
        if self.capabilities.needs_passphrase and keys.passphrase is None:
            words = f"there is no passphrase, and {self.capabilities.name} asks for one"
            self.says(Check.CREDENTIALS, failed("PASSPHRASE_MISSING", words))
            return None
        self.says(Check.CREDENTIALS, fine(f"present, from the {source}"))
        return keys

    async def _connect(self, venue: SharedVenue) -> bool:
        """Load the markets: the one read that every other one needs. Say whether the venue can be asked further."""
        began = self.runtime.clock.elapsed()
        loaded = await _tried(venue.load(self.policy))
        took = (self.runtime.clock.elapsed() - began).total_seconds()
        if not isinstance(loaded, NijaError):
            self.says(Check.CONNECTION, fine(f"{self.capabilities.name} answers; its markets took {took:.2f} s"))
            self.says(Check.MARKETS, judge_markets(venue.quotes(), self.account.quote))
            return True
        if loaded.code in _NOBODY_THERE:
            self.says(Check.CONNECTION, _failure(loaded))
            self.skip(_AT_VENUE, Check.CONNECTION)
            return False
        self.says(Check.CONNECTION, fine(f"{self.capabilities.name} answers"))
        self.says(Check.MARKETS, _failure(loaded))
        if self.capabilities.markets_need_key and isinstance(loaded, VenueRefused):
            self.says(Check.KEYS, _failure(loaded))
        self.skip(_AT_VENUE, Check.MARKETS)
        return False

    async def _clock(self, client: AccountClient) -> Finding:
        asked_at, began = self.runtime.clock.now(), self.runtime.clock.elapsed()
        told = await _tried(client.venue_time())
        if isinstance(told, NijaError):
            return warned(told.code, str(told))
        if told is None:
            return skipped("the venue does not tell its time")
        reading = read_clock(told, asked_at=asked_at, took=self.runtime.clock.elapsed() - began)
        return judge_clock(reading, checks_clock=self.capabilities.checks_clock)

    async def _signed(self, client: AccountClient) -> tuple[tuple[Holding, ...] | None, Decimal | None]:
        """Make the signed reads; return what is held and what the venue says that it is worth, where it could."""
        holdings, orders, given, equity = await asyncio.gather(
            _tried(client.holdings()),
            _tried(client.open_orders()),
            _tried(client.permissions()),
            _tried(client.equity(self.account.quote)),
        )
        reads = (holdings, orders, given if self.capabilities.reports_permissions else None)
        faults = [read for read in reads if isinstance(read, NijaError)]
        if len(faults) == len([read for read in reads if read is not None]):
            fault = next((f for f in faults if isinstance(f, VenueRefused)), faults[0])
            # A secret that cannot be signed with looks like an answer that cannot be read: there is no answer at all.
            unusable = fault.code == "MALFORMED_ANSWER"
            self.says(Check.KEYS, failed("KEYS_UNUSABLE", str(fault)) if unusable else _failure(fault))
            self.skip(_SIGNED, Check.KEYS)
            return None, None
        self.says(Check.KEYS, fine("the venue accepts them"))
        self.says(Check.PERMISSIONS, *self._permissions(given))
        self.says(Check.OPEN_ORDERS, _failure(orders) if isinstance(orders, NijaError) else judge_orders(orders))
        if isinstance(holdings, NijaError):
            self.says(Check.BALANCE, _failure(holdings))
            self.skip((Check.EQUITY,), Check.BALANCE)
            return None, None
        self.says(Check.BALANCE, judge_balance(holdings, self.account.quote))
        if isinstance(equity, VenueRefused) and not isinstance(equity, SignAgain):
            self.says(Check.EQUITY, _failure(equity))
        return holdings, None if isinstance(equity, NijaError) else equity

    def _permissions(self, given: Permissions | NijaError | None) -> tuple[Finding, ...]:
        if isinstance(given, VenueRefused) and not isinstance(given, SignAgain):
            return (warned("PERMISSIONS_NOT_REPORTED", f"the venue does not tell this key: {given.detail}"),)
        if isinstance(given, NijaError):
            return (_failure(given),)
        return judge_permissions(
            trade=None if given is None else given.trade,
            withdraw=None if given is None else given.withdraw,
            expires_in=None if given is None else given.expires_in,
            allow_withdrawal=self.account.allow_withdrawal_key,
            detail="" if given is None else given.detail,
        )

    async def _value(self, venue: SharedVenue, holdings: tuple[Holding, ...] | None, reported: Decimal | None) -> None:
        """Judge the prices, and by them the sum of what is held."""
        tickers = await _tried(venue.tickers(self.policy))
        if isinstance(tickers, NijaError):
            self.says(Check.TICKER, _failure(tickers))
            self.skip((Check.EQUITY,), Check.TICKER)
            return
        snapshot = self._snapshot(venue, tickers, holdings or (), reported)
        markets = venue.markets(self.account.quote)
        age = self._max_price_age
        self.says(
            Check.TICKER,
            judge_prices(tickers.prices, snapshot.positions, markets, now=snapshot.taken_at, max_price_age=age),
        )
        if holdings is not None and Check.EQUITY not in self.findings:
            self.says(Check.EQUITY, self._equity(snapshot))

    def _snapshot(
        self, venue: SharedVenue, tickers: Tickers, holdings: tuple[Holding, ...], reported: Decimal | None
    ) -> Snapshot:
        quote, now = self.account.quote, self.runtime.clock.now()
        cash = next((h for h in holdings if h.asset == quote), Holding(quote, Decimal(0)))
        positions = value_holdings(
            holdings,
            quote=quote,
            markets=venue.markets(quote),
            prices=tickers.prices,
            now=now,
            max_price_age=self._max_price_age,
        )
        return Snapshot(self.account.id, now, cash.free, cash.total, positions, reported_equity=reported)

    def _equity(self, snapshot: Snapshot) -> Finding:
        if not self.policy.check_equity:
            return skipped("the account's policy has check_equity off")
        reports = self.capabilities.reports_equity
        return judge_equity(snapshot, reports=reports, tolerance_fraction=self.policy.equity_tolerance_fraction)

    @property
    def _max_price_age(self) -> timedelta:
        return timedelta(seconds=self.policy.max_price_age_seconds)

    def says(self, check: Check, *found: Finding) -> None:
        """Keep what a check found."""
        self.findings[check] = found

    def skip(self, checks: Iterable[Check], because: Check) -> None:
        """Name the checks that could not be made because another one failed; what was found already stays."""
        for check in checks:
            self.findings.setdefault(check, (skipped(f"needs {because.replace('_', ' ')}"),))


async def _tried(read: Awaitable[T]) -> T | NijaError:
    """Return what a read gave, or the fault it met: one failing stops none of the others."""
    try:
        return await read
    except NijaError as error:
        return error


def _failure(error: NijaError) -> Finding:
    return failed(error.code, str(error))
