"""What a watch over exits reads from the store and writes there."""

from collections.abc import Iterable

from models.exit_watch import Watched
from models.policy import Policy
from models.store.engine import Store
from models.store.peaks import keep_peaks
from models.store.position_configs import position_configs
from models.store.tracked import tracked_positions
from rules.exit_limits import entry_in_force, limits_in_force
from rules.exit_watch import is_worth_writing


async def watched_positions(store: Store, account: str, policy: Policy) -> dict[str, Watched]:
    """Return an account's tracked positions with the limits in force, by symbol. Raises: StoreError."""
    configs = await position_configs(store, account)
    return {
        symbol: Watched(
            symbol=symbol,
            quantity=tracked.quantity,
            entry_price=entry_in_force(tracked, configs.get(symbol)),
            first_seen_at=tracked.first_seen_at,
            limits=limits_in_force(policy, configs.get(symbol)),
            peak_price=tracked.peak_price,
            stored_peak=tracked.peak_price,
        )
        for symbol, tracked in (await tracked_positions(store, account)).items()
    }


async def write_peaks(store: Store, account: str, watched: Iterable[Watched], *, is_due: bool) -> bool:
    """Write down the peaks that are worth it; say whether there were any. Raises: StoreError."""
    worth = {
        w.symbol: (w.first_seen_at, w.peak_price)
        for w in watched
        if w.peak_price is not None and is_worth_writing(w, is_due=is_due)
    }
    await keep_peaks(store, account, worth)
    return bool(worth)
