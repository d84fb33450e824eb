"""What a person sets for one position: merged word by word, kept until it is cleared, tied to the position it is of."""

from datetime import timedelta
from decimal import Decimal

from models.adoption import Entry, EntrySource, PositionSource
from models.alert import OperationalAlert
from models.exits import NEVER, OwnLimit, PositionConfig
from models.position import Tracked
from models.reasons import Mode
from models.store.alerts import alerts, keep_alerts
from models.store.decisions import decisions
from models.store.engine import Store
from models.store.position_configs import clear_config, position_configs, set_config
from models.store.tracked import keep_entries, save_snapshot, tracked_positions
from rules.exit_limits import entry_in_force
from tests.builders import NOW, a_position, a_snapshot

HOUR = timedelta(hours=1)
OURS = PositionSource.NIJA_STRATEGY


async def tells(
    store: Store, *, entry: int | None = None, hours: float = 0, **limits: OwnLimit
) -> PositionConfig | None:
    return await set_config(
        store,
        "alice",
        "ETH/USD",
        limits,
        entry_price=None if entry is None else Decimal(entry),
        by="ops",
        reason="r",
        now=NOW + hours * HOUR,
    )


async def sees(store: Store, *, hours: float = 0, peak: int | None = None) -> None:
    """Let a read show the position, first seen then."""
    held = Tracked("ETH/USD", Decimal(1), None, NOW + hours * HOUR, peak_price=None if peak is None else Decimal(peak))
    snapshot = a_snapshot(a_position("ETH/USD"), account="alice")
    await save_snapshot(store, snapshot, {"ETH/USD": held}, run_id="r", cycle=1, mode=Mode.LIVE, policy_version="p")


async def test_what_is_not_named_stays_and_policy_takes_a_word_back(store: Store) -> None:
    await tells(store, stop_loss=Decimal("0.02"), take_profit=NEVER)
    await tells(store, stop_loss=None, max_hold_hours=Decimal("1.5"))

    config = (await position_configs(store, "alice"))["ETH/USD"]
    assert (config.stop_loss, config.take_profit, config.max_hold_hours) == (None, NEVER, Decimal("1.5"))
    assert [d.what for d in await decisions(store, "alice")] == [
        "set exits of ETH/USD: stop_loss policy, max_hold_hours 1.5",
        "set exits of ETH/USD: stop_loss 0.02, take_profit never",
    ]


async def test_clearing_leaves_nothing_and_says_whether_there_was_anything(store: Store) -> None:
    await tells(store, stop_loss=NEVER)

    cleared = [await clear_config(store, "alice", "ETH/USD", by="ops", reason="r", now=NOW) for _ in range(2)]

    assert (cleared, await position_configs(store, "alice")) == ([True, False], {})


async def test_an_entry_price_is_told_of_a_tracked_position_alone(store: Store) -> None:
    refused = await tells(store, entry=90)
    await sees(store)
    told = await tells(store, entry=90)

    assert refused is None
    assert told is not None
    assert told.entry_price == 90


async def test_what_one_position_cost_is_not_what_the_next_one_of_the_symbol_cost(store: Store) -> None:
    await sees(store)
    await tells(store, entry=90, hours=1)
    await sees(store, hours=2)  # sold, and bought again
    await tells(store, stop_loss=Decimal("0.02"), hours=3)

    config = (await position_configs(store, "alice"))["ETH/USD"]
    held = (await tracked_positions(store, "alice"))["ETH/USD"]
    assert (config.stop_loss, config.entry_price, entry_in_force(held, config)) == (Decimal("0.02"), None, None)


async def test_clearing_takes_an_adopted_word_back_and_leaves_what_fills_tell(store: Store) -> None:
    for source, left in ((EntrySource.BY_HAND, None), (EntrySource.FILLS, Decimal(90))):
        await sees(store)
        await keep_entries(store, "alice", {"ETH/USD": Entry(Decimal(90), source, NOW, OURS)})
        await clear_config(store, "alice", "ETH/USD", by="ops", reason="r", now=NOW)

        assert (await tracked_positions(store, "alice"))["ETH/USD"].entry_price == left


async def test_a_read_that_came_late_lowers_no_peak(store: Store) -> None:
    for peak in (115, 100, None):
        await sees(store, peak=peak)

    assert (await tracked_positions(store, "alice"))["ETH/USD"].peak_price == 115


async def test_alerts_are_kept_as_they_are_found_and_no_other_account_s_are_touched(store: Store) -> None:
    btc, eth = (OperationalAlert("STOP", "m", account="alice", symbol=f"{asset}/USD") for asset in ("BTC", "ETH"))
    await keep_alerts(
        store, ["STOP"], [OperationalAlert("STOP", "m", account="bob", symbol="BTC/USD")], account="bob", now=NOW
    )
    await keep_alerts(store, ["STOP"], [btc], account="alice", now=NOW)

    await keep_alerts(store, ["STOP"], [eth], account="alice", now=NOW)

    standing = {(a.alert.account, a.alert.symbol) for a in await alerts(store)}
    assert standing == {("bob", "BTC/USD"), ("alice", "ETH/USD")}
