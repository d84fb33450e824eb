"""Keep a snapshot that passed its checks as what is tracked from now on, without planning on it."""

from dataclasses import dataclass

from models.position import Tracked
from models.store.tracked import save_snapshot, tracked_positions
from rules.adoption import adopt, gone
from rules.limits import day_judge
from tasks.bought import entries_of_buys
from tasks.runtime import AccountAt


@dataclass(frozen=True, slots=True)
class Kept:
    """What was tracked before a read, what is tracked since, and which symbols the read shows no more."""

    before: dict[str, Tracked]
    after: dict[str, Tracked]
    gone: tuple[str, ...]


async def track(at: AccountAt) -> Kept:
    """Replace what is tracked by `at.snapshot`: quantities are the venue's, first sights and entries stay.

    Raises: StoreError.
    """
    snapshot = at.snapshot
    before = await tracked_positions(at.store, at.id)
    left = gone(before, snapshot)
    adopted = adopt(before, snapshot, now=snapshot.taken_at, entry_prices=await entries_of_buys(at, before))
    after = {symbol: one for symbol, one in adopted.items() if symbol not in left}
    await save_snapshot(
        at.store,
        snapshot,
        after,
        run_id=at.run_id,
        cycle=1,
        mode=at.mode,
        policy_version=at.policy.version,
        judge_day=day_judge(snapshot, at.policy.risk_limits),
    )
    return Kept(before, after, left)
