"""When the deployments of `prefect.yaml` start within a span of time, as their own schedules say it.

What starts every few minutes is thinned evenly: each nth of its starts is made, and its interval is declared n times as
long, so that what is late and what is silent is judged by the interval that it has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from prefect._vendor.croniter import croniter

PREFECT_YAML = Path(__file__).parents[3] / "prefect.yaml"
# Of the starts that the schedule has, each nth is made. What is not named is made in full.
THINNED = {
    "enforce_exits/every-minute": 60,
    "watch/watch-every-minute": 60,
    "check_alerts/alerts-every-minute": 60,
    "enforce_cap/every-five-minutes": 6,
    "reconcile/every-fifteen-minutes": 2,
    "enforce_exits_continuously/without-a-pause": 48,
}
# What the week leaves out, and why.
LEFT_OUT = {
    "normalize/approve": "waits for a person in Prefect's own pages; what it applies is what on-demand applies",
    "collect_history/history-daily": "fetches what research reads, from sources that are no venue of an account",
    "fill_gaps/gaps-hourly": "likewise",
    "audit_history/history-audit-weekly": "looks at what those fetched",
    "backtest/backtest": "sends no order and tells nobody",
    "compare/compare": "likewise",
    "optimize/optimize": "likewise",
    "walk_forward/walk-forward": "likewise",
    "rebalance/rebalance": "no account of the week has strategies",
    "rebalance/rebalance-daily": "likewise",
    "rebalance/rebalance-weekly": "likewise",
    "rebalance/rebalance-monthly": "likewise",
}


@dataclass(frozen=True)
class Deployment:
    """One deployment as it is declared."""

    name: str  # flow/deployment
    request: dict[str, Any]
    schedule: dict[str, Any] | None
    is_alone: bool  # a start that meets a run of the same deployment is cancelled

    @property
    def flow(self) -> str:
        """The flow's name."""
        return self.name.split("/", maxsplit=1)[0]

    @property
    def thinned(self) -> int:
        """Of so many starts one is made."""
        return THINNED.get(self.name, 1)

    @cached_property
    def every(self) -> timedelta | None:
        """How often it starts here; None: on demand."""
        if self.schedule is None:
            return None
        starts = self._all(datetime(2031, 1, 1, tzinfo=UTC))
        return -(next(starts) - next(starts)) * self.thinned

    def starts(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """Yield when it starts from `since` on and before `until`."""
        if self.schedule is None:
            return
        for number, at in enumerate(self._all(since)):
            if at >= until:
                return
            if number % self.thinned == 0:
                yield at

    def _all(self, since: datetime) -> Iterator[datetime]:
        assert self.schedule is not None
        if "cron" in self.schedule:
            # croniter yields what comes after its start
            planned = croniter(self.schedule["cron"], since - timedelta(microseconds=1))
            while True:
                yield planned.get_next(datetime)
        every = timedelta(seconds=self.schedule["interval"])
        anchor = datetime.fromisoformat(self.schedule["anchor_date"])
        at = anchor + -((anchor - since) // every) * every
        while True:
            if at >= since:
                yield at
            at += every


def deployments() -> dict[str, Deployment]:
    """Return every deployment that is declared and not left out, by name; each schedule counts as switched on."""
    declared = yaml.safe_load(PREFECT_YAML.read_text(encoding="utf-8"))["deployments"]
    return {one.name: one for one in map(_deployment, declared) if one.name not in LEFT_OUT}


def _deployment(row: dict[str, Any]) -> Deployment:
    flow = row["entrypoint"].rsplit(".", 1)[-1]
    flow = {"normalize_accounts": "normalize", "adopt_positions": "adopt"}.get(flow, flow)
    schedules = row.get("schedules", [])
    assert len(schedules) <= 1, "a deployment with two schedules: think of both here"
    return Deployment(
        name=f"{flow}/{row['name']}",
        request=dict(row["parameters"]["request"]),
        schedule=schedules[0] if schedules else None,
        is_alone=row.get("concurrency_limit", {}).get("collision_strategy") == "CANCEL_NEW",
    )
