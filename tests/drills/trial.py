"""Draw a trial of the chaos drill: a small fleet, what each account holds, a policy, faults, and perhaps a kill.

Everything comes from the seed and the trial's number. What should be sold is worked out here, by a rule as simple as
the policy's words: nothing of the product's own planning is asked.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from brokers.simulator.fault_kinds import FAULTS, Fault, Turn
from tests.drills.desk import QUICK
from tests.drills.venues import VENUES, WORDS

# What turns a market takes a holding's price away: another would rightly be sold in its stead, which is no fault.
FAULTS_DRAWN = tuple(
    fault
    for fault, kind in FAULTS.items()
    if kind.turn is Turn.NEVER or fault in {Fault.PARTIAL_FILLS, Fault.NO_FILLS, Fault.FILLED_AFTER_CANCEL}
)
CALLS = ("time", "markets", "tickers", "balance", "open_orders", "place", "order", "trades", "cancel", "any")
STATUSES = (418, 429, 500, 502, 503, 504, 524)
# By worth: what is dust, small, a candidate for consolidation, or kept; the last twice, since they are most.
WORTH = ((0.05, 0.99), (1.01, 7.4), (7.6, 9.9), (11, 900), (11, 900))
MOST_HOLDINGS, MOST_ACCOUNTS, MOST_RULES = 9, 3, 4


@dataclass(frozen=True)
class Kill:
    """The run ends at the nth call the venues get: by SIGKILL of its process, or by cancellation in this one."""

    at_call: int
    for_real: bool


@dataclass(frozen=True)
class Owner:
    """One account: what it holds by asset, and each asset's price; None: nobody knows one."""

    name: str
    venue: str
    holds: Mapping[str, str]
    prices: Mapping[str, str | None]


@dataclass(frozen=True)
class Trial:
    """One drawn trial; `rules`: the fault plan of every venue, each rule for one account or for all."""

    seed: int
    number: int
    store: str
    owners: tuple[Owner, ...]
    policy: Mapping[str, Any]
    rules: tuple[Mapping[str, Any], ...]
    kill: Kill | None

    @property
    def plan(self) -> str:
        """What goes wrong, as text that `with_plan` reads."""
        return json.dumps({"rules": list(self.rules), "kill": None if self.kill is None else asdict(self.kill)})

    def with_plan(self, text: str) -> "Trial":
        """Return the same fleet with other faults."""
        plan = json.loads(text)
        kill = None if plan["kill"] is None else Kill(**plan["kill"])
        return replace(self, rules=tuple(plan["rules"]), kill=kill)

    def smaller(self) -> list["Trial"]:
        """Return the same trial with each of its faults left out in turn."""
        fewer = [replace(self, rules=self.rules[:n] + self.rules[n + 1 :]) for n in range(len(self.rules))]
        return fewer + ([replace(self, kill=None)] if self.kill is not None else [])

    def to_be_sold(self, owner: Owner) -> dict[str, Decimal]:
        """Return what has to go, by asset: dust, what is small, and the smallest of the rest down to the cap."""
        worth = {a: Decimal(owner.holds[a]) * Decimal(price) for a, price in owner.prices.items() if price is not None}
        least = Decimal("7.5")
        if self.policy["close_consolidation_candidates"]:
            least = Decimal(10)
        going = {asset for asset, value in worth.items() if value < least}
        staying = sorted(worth.keys() - going, key=lambda asset: worth[asset])
        unvalued = sum(price is None for price in owner.prices.values())
        over = max(0, len(staying) + unvalued - self.policy["max_positions"])
        return {asset: Decimal(owner.holds[asset]) for asset in going | set(staying[:over])}


def draw(seed: int, number: int, store: str = "sqlite") -> Trial:
    """Draw a trial; the same seed and number give the same."""
    random = Random(f"{seed}:{number}")  # noqa: S311 - drawn to be repeated
    if store == "both":
        store = ("sqlite", "postgresql")[number % 2]
    policy = _policy(random)
    owners = tuple(_owner(random, number, place, policy) for place in range(random.randint(1, MOST_ACCOUNTS)))
    rules = tuple(_rule(random, owners) for _ in range(random.randint(1, MOST_RULES)))
    kill = Kill(random.randint(1, 14 * len(owners)), for_real=random.random() < 0.5) if random.random() < 0.5 else None
    return Trial(seed, number, store, owners, policy, rules, kill)


def _policy(random: Random) -> dict[str, Any]:
    guarded = random.random() < 0.25
    return QUICK | {
        "max_positions": random.randint(2, 6),
        "max_enforcement_cycles": random.randint(1, 3),
        "balance_fetch_max_attempts": random.randint(1, 3),
        "close_consolidation_candidates": random.random() < 0.3,
        "refusal_backoff_hours": 0,
        "breaker_failure_threshold": random.randint(1, 5) if guarded else 1000,
        "breaker_recovery_seconds": 0.2,
        "breaker_success_threshold": random.randint(1, 2),
    }


def _owner(random: Random, number: int, place: int, policy: Mapping[str, Any]) -> Owner:
    holds: dict[str, str] = {}
    prices: dict[str, str | None] = {}
    for asset in (f"{'ABC'[place]}{n}" for n in range(random.randint(2, MOST_HOLDINGS))):
        worth = Decimal(str(round(random.uniform(*random.choice(WORTH)), 4)))
        price = Decimal(str(round(10 ** random.uniform(-3, 4), 4))).normalize()
        holds[asset] = format(max(round(worth / price, 8), Decimal("0.0000001")), "f")
        prices[asset] = format(price, "f")
    for asset in random.sample(sorted(holds), random.randint(0, min(2, policy["max_positions"], len(holds)))):
        prices[asset] = None
    return Owner(f"t{number}-{place}", random.choice(VENUES), holds, prices)


def _rule(random: Random, owners: tuple[Owner, ...]) -> dict[str, Any]:
    owner = random.choice(owners)
    fault = random.choice(FAULTS_DRAWN)
    rule: dict[str, Any] = {
        "operation": random.choice((*CALLS, *WORDS[owner.venue].calls)),
        "fault": fault.value,
        "skip": random.choice((0, 0, 0, 1, 2, 5)),
        "times": random.choice((1, 1, 2, 3, None)),
        "seconds": round(random.uniform(0.02, 0.3), 2),
        "fraction": 0.5,
    }
    if random.random() < 0.5 and rule["operation"] not in {"time", "markets", "tickers"}:
        rule["account"] = owner.name
    if fault in {Fault.STATUS, Fault.STATUS_AFTER}:
        rule["status"] = random.choice(STATUSES)
    return rule
