"""Find the figures that people's alerts are judged on: prices from venues, signals and balances from the store.

A figure that cannot be had is a figure without a value, and says why. One venue's silence keeps no other alert back.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import SecretStr

from brokers.hub import Tickers
from brokers.venues import capabilities_of
from flows.fleet_view import FleetView, view_of
from models.alert import FLEET
from models.errors import ConfigError, VaultLocked, VenueError
from models.fleet import Account, Fleet
from models.risk import RiskDay
from models.settings import Credentials
from models.store.risk_days import risk_day
from models.store.signals import latest_signal, signals_since
from models.user_alert import Alert, AlertKind, KeptAlert, Metric, Observed
from tasks.runtime import Runtime, reach

LONGEST_READ = timedelta(seconds=20)


async def figures(runtime: Runtime, alerts: Sequence[KeptAlert]) -> dict[int, Sequence[Observed]]:
    """Return what was found for each alert by its id: at least one figure, the oldest first. Raises: StoreError."""
    prices, portfolios, signals = (
        [kept for kept in alerts if kept.alert.kind is kind]
        for kind in (AlertKind.PRICE, AlertKind.PORTFOLIO, AlertKind.STRATEGY)
    )
    return {
        **await _prices(runtime, prices),
        **await _portfolios(runtime, portfolios),
        **{kept.alert_id: await _signals(runtime, kept) for kept in signals},
    }


async def _prices(runtime: Runtime, alerts: Sequence[KeptAlert]) -> dict[int, Sequence[Observed]]:
    """Read the tickers once for each account that alerts look through; accounts of one venue share the read."""
    through = {kept.alert_id: _account_of(runtime.fleet, kept.alert) for kept in alerts}
    wanted = {account.id: account for account in through.values() if account is not None}
    read = await asyncio.gather(*(_tickers(runtime, account) for account in wanted.values()))
    found = dict(zip(wanted, read, strict=True))
    return {kept.alert_id: [_price(kept.alert, through[kept.alert_id], found)] for kept in alerts}


def _account_of(fleet: Fleet, alert: Alert) -> Account | None:
    """Return the account whose venue is asked: the one named, or the first at the venue named."""
    mine = (a for a in fleet.accounts if a.id == alert.account or (alert.venue and a.venue == alert.venue))
    return next(mine, None)


async def _tickers(runtime: Runtime, account: Account) -> Tickers | str:
    try:
        async with asyncio.timeout(LONGEST_READ.total_seconds()):
            credentials, url = await _way(runtime, account)
            policy = runtime.fleet.policies[account.id]
            return await runtime.venues.shared(account, url, credentials).tickers(policy)
    except TimeoutError:
        return f"{account.venue} did not answer in {LONGEST_READ.seconds} s"
    except (VenueError, ConfigError, VaultLocked) as error:
        return f"{error.code}: {error}"


async def _way(runtime: Runtime, account: Account) -> tuple[Credentials, str | None]:
    """Return how the venue is reached; where prices are public, keys that are missing or locked do not matter."""
    if account.simulated is not None or capabilities_of(account.venue).markets_need_key:
        return await reach(runtime, account)
    return Credentials(SecretStr(""), SecretStr("")), None if account.url is None else str(account.url)


def _price(alert: Alert, through: Account | None, found: Mapping[str, Tickers | str]) -> Observed:
    if through is None:
        return Observed(
            problem=f"no account of the fleet is {alert.account if alert.account != FLEET else alert.venue}"
        )
    tickers = found[through.id]
    if isinstance(tickers, str):
        return Observed(problem=tickers)
    price = tickers.prices.get(alert.symbol)
    if price is None:
        return Observed(problem=f"{through.venue} tells no price of {alert.symbol}")
    return Observed(price.value, price.at)


async def _signals(runtime: Runtime, kept: KeptAlert) -> Sequence[Observed]:
    """Return every signal that was not judged yet and is not too old; else the last one, for its age."""
    alert, now = kept.alert, runtime.clock.now()
    since = max(now - alert.max_age, kept.last_value_at or now - alert.max_age)
    found = await signals_since(runtime.store, alert.strategy, alert.symbol, alert.metric, since)
    if found:
        return [Observed(one.value, one.at) for one in found]
    last = await latest_signal(runtime.store, alert.strategy, alert.symbol, alert.metric)
    if last is None:
        return [Observed(problem=f"{alert.strategy} has published nothing on {alert.symbol} in a week")]
    return [Observed(last.value, last.at)]


async def _portfolios(runtime: Runtime, alerts: Sequence[KeptAlert]) -> dict[int, Sequence[Observed]]:
    if not alerts:
        return {}
    now = runtime.clock.now()
    view = await view_of(runtime.store, runtime.fleet, now)
    days = {account.id: await risk_day(runtime.store, account.id) for account in runtime.fleet.accounts}
    return {kept.alert_id: [_portfolio(kept.alert, runtime.fleet, view, days, now)] for kept in alerts}


def _portfolio(
    alert: Alert, fleet: Fleet, view: FleetView, days: Mapping[str, RiskDay | None], now: datetime
) -> Observed:
    """Add up the figure over the accounts; one that is not known leaves the whole unknown."""
    accounts = [a for a in fleet.accounts if alert.account in {FLEET, a.id}]
    if not accounts:
        return Observed(problem=f"no account of the fleet is {alert.account}")
    if alert.metric is Metric.POSITIONS:
        return _count(accounts, view)
    equity = _amount(alert, accounts, view)
    if alert.metric is not Metric.DRAWDOWN or equity.value is None or equity.at is None:
        return equity
    return _drawdown(accounts, days, equity.value, equity.at, now)


def _amount(alert: Alert, accounts: Sequence[Account], view: FleetView) -> Observed:
    """Add up equity or cash, as old as the oldest balance. Every dollar is taken for one, as policies do."""
    quotes = sorted({account.quote for account in accounts})
    if len(quotes) > 1 and not all(quote.startswith("USD") for quote in quotes):
        return Observed(problem=f"amounts in {' and '.join(quotes)} do not add up: name an account")
    states = [view.balances[account.id] for account in accounts]
    unread = next((state.account for state in states if state.read_at is None), None)
    if unread is not None:
        return Observed(problem=f"the balance of {unread} was never read")
    at = min(state.read_at for state in states if state.read_at is not None)
    amounts = [state.cash_total if alert.metric is Metric.CASH else state.equity for state in states]
    return Observed(sum((amount for amount in amounts if amount is not None), Decimal(0)), at)


def _count(accounts: Iterable[Account], view: FleetView) -> Observed:
    count, times = 0, []
    for account in accounts:
        read_at = view.tracked[account.id].read_at
        if read_at is None:
            return Observed(problem=f"the positions of {account.id} were never read")
        count += len(view.slots[account.id])
        times.append(read_at)
    return Observed(Decimal(count), min(times))


def _drawdown(
    accounts: Iterable[Account], days: Mapping[str, RiskDay | None], equity: Decimal, at: datetime, now: datetime
) -> Observed:
    began = Decimal(0)
    for account in accounts:
        day = days[account.id]
        if day is None or day.day != now.date() or at.date() != now.date():
            return Observed(problem=f"nobody knows yet what {account.id} began this day with")
        began += day.began_with
    if began <= 0:
        return Observed(problem="the day began with nothing")
    return Observed((began - equity) / began, at)
