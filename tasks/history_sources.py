"""Wire the source of a series to a run: its address, the simulated venue behind it, and a key where it takes one."""

import asyncio
from dataclasses import dataclass

from brokers.history.source import open_source
from brokers.simulator.launch import LaunchError, ensure_running
from brokers.simulator.world import WorldError
from brokers.venues import capabilities_of
from models.errors import ConfigError
from models.fleet import Account
from models.history import HistorySource
from models.history_plan import COINGECKO, POLYMARKET
from models.policy import Policy
from models.settings import Credentials, load_history_settings, policy_defaults
from tasks.runtime import Runtime, reach


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source is reached; with neither it is its own public address."""

    source: str
    url: str | None = None
    simulated: str | None = None


async def source_at(runtime: Runtime, place: Place) -> HistorySource:
    """Return a source on the run's session, throttle and breakers. Raises: ConfigError."""
    url = await _served(runtime, place) if place.simulated is not None else place.url
    account, credentials = await _key_to(runtime, place)
    return open_source(
        place.source,
        venues=runtime.venues,
        policy=_policy(runtime, place),
        settings=load_history_settings(),
        url=url,
        account=account,
        credentials=credentials,
    )


async def _served(runtime: Runtime, place: Place) -> str:
    """Start the simulated venue, and let its calls go at once where it does not count them."""
    path = (runtime.fleet.path.parent / str(place.simulated)).resolve()
    where = f"{runtime.fleet.path}: history of {place.source}, simulated"
    try:
        served = await asyncio.to_thread(ensure_running, path, runtime.settings.home.resolve())
    except (WorldError, LaunchError) as error:
        raise ConfigError(where, str(error)) from error
    if served.world.venue != place.source:
        raise ConfigError(where, f"{path} is a world of {served.world.venue}, not of {place.source}")
    if not served.world.rate_limits:
        runtime.venues.spare(served.url)
    return served.url


def _policy(runtime: Runtime, place: Place) -> Policy:
    """Return how often a read is tried again: as at the fleet's account there, else as the environment has it."""
    account = next((a for a in runtime.fleet.accounts if a.venue == place.source), None)
    return Policy.model_validate(policy_defaults()) if account is None else runtime.fleet.policies[account.id]


async def _key_to(runtime: Runtime, place: Place) -> tuple[Account | None, Credentials | None]:
    """Return the account whose key opens the source's list of markets; none where everybody may see it."""
    if place.source in {COINGECKO, POLYMARKET} or not capabilities_of(place.source).markets_need_key:
        return None, None
    account = next((a for a in runtime.fleet.accounts if a.venue == place.source), None)
    if account is None:
        return None, None
    credentials, _ = await reach(runtime, account)
    return account, credentials
