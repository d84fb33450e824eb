"""Open the source of a series by its name: a ccxt venue, CoinGecko or Polymarket."""

from brokers.history.coingecko import CoinGecko
from brokers.history.polymarket import Polymarket
from brokers.history.venue import VenueHistory
from brokers.hub import Venues
from brokers.venues import capabilities_of, check_venue
from models.errors import ConfigError
from models.fleet import Account
from models.history import HistorySource
from models.history_plan import COINGECKO, POLYMARKET
from models.policy import Policy
from models.settings import Credentials, HistorySettings


def open_source(
    name: str,
    *,
    venues: Venues,
    policy: Policy,
    settings: HistorySettings,
    url: str | None = None,
    account: Account | None = None,
    credentials: Credentials | None = None,
) -> HistorySource:
    """Return a source on the session, clock, throttle and breakers of `venues`; it lives as long as they do.

    `policy`: how often a read is tried again. `url`: where every call goes instead (of a venue, its account's `url`);
    of CoinGecko and Polymarket the environment's is taken where it is None. `account`, `credentials`: only asked for
    where even the list of a venue's markets takes a key. Raises: ConfigError.
    """
    if name == COINGECKO:
        return CoinGecko(venues, policy, settings, url or settings.coingecko_url)
    if name == POLYMARKET:
        return Polymarket(venues, policy, url or settings.polymarket_url)
    check_venue(name, "history source")
    if not capabilities_of(name).markets_need_key:
        return VenueHistory(name, venues.public(name, url), policy, venues.clock)
    if account is None or credentials is None:
        raise ConfigError(
            "history source",
            f"{name} lists its markets only to a key",
            f"an account of the fleet file at {name}",
        )
    return VenueHistory(name, venues.shared(account, url, credentials), policy, venues.clock)
