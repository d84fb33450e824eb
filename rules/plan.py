"""Plan an account towards its policy: dust, small positions, the cap. Pure: a snapshot in, a plan out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from models.amounts import money
from models.dust import DustMark, DustOffer
from models.plan import Action, Plan
from models.policy import Policy
from models.position import Snapshot
from models.reasons import ActionKind, Reason
from rules.cap import Place, excess, ranking
from rules.judge import Judged, judge
from rules.unsellable import NO_OTHER_WAYS, Ways

Marks = Mapping[str, DustMark]  # by symbol

ORDER_OF_KINDS = (
    ActionKind.CLOSE_DUST,
    ActionKind.CLOSE_SMALL,
    ActionKind.TRIM_CAP,
    ActionKind.TOP_UP,
    ActionKind.CONVERT_DUST,
    ActionKind.MARK_DUST,
)


def make_plan(
    snapshot: Snapshot,
    policy: Policy,
    *,
    marks: Marks,
    pending: Collection[str],
    now: datetime,
    siblings: Sequence[Snapshot] = (),
    sibling_marks: Mapping[str, Marks] | None = None,
    sibling_pending: Mapping[str, Collection[str]] | None = None,
    offers: Mapping[str, DustOffer] | None = None,
    may_top_up: bool = False,
    frozen: Collection[str] = (),
) -> Plan:
    """Return what to do with every position of one account.

    `pending`: symbols with an undecided order. `siblings`: the other accounts of the same owner; the cap holds over all
    of them and only this account's actions are returned. With their marks and pending symbols by account given too,
    siblings that plan on the same data under one policy pick sets that add up to the excess.

    `offers`: what the venue would convert, by symbol; it is preferred to buying more. `may_top_up`: the venue's market
    buys name a quantity, and there is a cycle left in which what was bought is sold. Nothing is bought of what is
    `frozen`, nor of what the policy restricts.
    """
    barred = frozenset({*frozen, *policy.restricted_symbols})
    ways = Ways(offers or {}, may_top_up and policy.top_up_dust, barred)
    own = _judge_all(snapshot, policy, marks, pending, now, ways=ways)
    elsewhere = [
        judged
        for s in siblings
        for judged in _judge_all(
            s,
            policy,
            (sibling_marks or {}).get(s.account, {}),
            (sibling_pending or {}).get(s.account, ()),
            now,
        )
    ]
    trims, trimmed_elsewhere = _trims(snapshot.account, own + elsewhere, policy.max_positions)
    actions = [j.action for j in own if j.action is not None] + list(trims.values())
    rest = [j for j in own if j.action is None and j.position.symbol not in trims]
    return Plan(
        account=snapshot.account,
        policy_version=policy.version,
        made_at=now,
        expires_at=now + timedelta(seconds=policy.plan_ttl_seconds),
        counted=sum(j.counts for j in own),
        counted_elsewhere=sum(j.counts for j in elsewhere),
        leaving_elsewhere=trimmed_elsewhere + sum(j.counts and j.frees_slot for j in elsewhere),
        actions=tuple(sorted(actions, key=lambda a: (ORDER_OF_KINDS.index(a.kind), a.value, a.symbol))),
        skips=tuple(sorted((j.skip for j in rest if j.skip is not None), key=lambda s: s.symbol)),
        dust=_symbols(j for j in own if not j.counts),
        regrown=_symbols(j for j in own if j.regrown),
        kept=_symbols(j for j in rest if j.skip is None),
    )


def is_compliant(plan: Plan, cap: int) -> bool:
    """Tell whether nothing is left to do: no action, and no more positions than the cap over the owner's accounts."""
    return not plan.actions and not over_cap(plan, cap)


def over_cap(plan: Plan, cap: int) -> int:
    """Return how many positions the owner's accounts held over the cap when the plan was made."""
    return excess(plan.counted + plan.counted_elsewhere, cap)


def over_cap_here(plan: Plan, cap: int) -> int:
    """Return how much of the excess is left once the owner's other accounts close what is theirs to close."""
    return excess(plan.counted + plan.counted_elsewhere - plan.leaving_elsewhere, cap)


def positions_read(plan: Plan) -> int:
    """Return how many positions the plan speaks of; a report adds up when this equals what was read."""
    return len(plan.actions) + len(plan.skips) + len(plan.kept) - len(plan.entered)


def _judge_all(
    snapshot: Snapshot,
    policy: Policy,
    marks: Marks,
    pending: Collection[str],
    now: datetime,
    *,
    ways: Ways = NO_OTHER_WAYS,
) -> list[Judged]:
    judged = []
    for position in snapshot.positions:
        judged.append(
            judge(
                position,
                snapshot=snapshot,
                policy=policy,
                mark=marks.get(position.symbol),
                is_pending=position.symbol in pending,
                now=now,
                ways=ways,
            )
        )
        ways = ways.after(judged[-1].action)
    return judged


def _trims(account: str, judged: Sequence[Judged], cap: int) -> tuple[dict[str, Action], int]:
    """Pick the smallest of what can be sold until the cap holds.

    Return this account's share by symbol, and how many go at the other accounts.

    A pending position keeps its place among those to go: its order may have freed the slot already, and selling a
    larger one in its stead could not be taken back.
    """
    staying = [j for j in judged if j.stays]
    leaving_unvalued = sum(j.is_pending and j.position.value is None for j in staying)
    over = excess(len(staying) - leaving_unvalued, cap)
    valued = {_place(j): j for j in staying if j.position.value is not None}
    ranked = ranking(valued)
    candidates = [p for p in ranked if valued[p].trim is not None or valued[p].is_pending]
    to_go = candidates[-over:] if over else []

    rank = {place: number for number, place in enumerate(ranked, start=1)}
    unvalued = len(staying) - len(ranked)
    trims: dict[str, Action] = {}
    for place in to_go:
        sale = valued[place].trim
        if place.account != account or sale is None:
            continue
        detail = f"rank {rank[place]} of {len(ranked)} by value"
        detail += f", {unvalued} more unvalued" if unvalued else ""
        trims[place.symbol] = Action(
            kind=ActionKind.TRIM_CAP,
            symbol=place.symbol,
            quantity=sale.quantity,
            value=place.value,
            reason=Reason.OVER_CAP,
            detail=f"{detail}, cap {cap}, worth {money(place.value)}",
            cancel_first=sale.cancel_first,
        )
    return trims, sum(place.account != account for place in to_go)


def _place(judged: Judged) -> Place:
    return Place(judged.account, judged.position.symbol, judged.position.value or Decimal(0))


def _symbols(judged: Iterable[Judged]) -> tuple[str, ...]:
    return tuple(sorted(j.position.symbol for j in judged))
