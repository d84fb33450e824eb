"""Decide which calls go wrong and how. A plan is data: ordered rules, each letting some calls through first."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from brokers.simulator.fault_kinds import FAULTS, Fault
from brokers.simulator.wire import Operation
from brokers.simulator.world import checked, read_yaml


class FaultRule(BaseModel):
    """One fault and the calls it meets. Parameters a fault does not use are ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: Operation = Operation.ANY
    account: str | None = None
    symbol: str | None = None
    skip: Annotated[int, Field(ge=0)] = 0  # matching calls to let through first
    times: Annotated[int, Field(ge=1)] | None = 1  # null: always
    fault: Fault
    market: str | None = None  # what a fault that changes a market is about; null: what the call is about
    seconds: Annotated[float, Field(ge=0)] = 1.0
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    body: str | None = None
    code: str | int | None = None
    message: str | None = None
    fraction: Annotated[float, Field(ge=0, le=1)] = 0.5
    executed: bool | None = None  # null: as the fault has it

    @property
    def takes_effect(self) -> bool:
        """Whether the venue carries the request out, whatever the client hears of it."""
        return FAULTS[self.fault].executed if self.executed is None else self.executed


class FaultPlan(BaseModel):
    """Rules in order; the first that is due meets the call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[FaultRule, ...] = ()


class Applied(BaseModel):
    """One fault that was put to a call."""

    time_ms: int
    fault: Fault
    operation: Operation
    account: str | None
    executed: bool


class FaultDesk:
    """Counts the calls each rule has seen and hands out the fault that is due."""

    def __init__(self, plan: FaultPlan, seen: dict[int, int] | None = None) -> None:
        """Start a plan, or go on with the counts of an earlier run."""
        self.plan = plan
        self.applied: list[Applied] = []
        self._seen: Counter[int] = Counter(seen or {})

    def due(self, operation: Operation, account: str | None, symbol: str | None, now_ms: int) -> FaultRule | None:
        """Return the fault for this call, and count the call."""
        for number, rule in enumerate(self.plan.rules):
            wanted = rule.operation in {Operation.ANY, operation}
            if not wanted or rule.account not in {None, account} or rule.symbol not in {None, symbol}:
                continue
            seen = self._seen[number]
            if rule.times is not None and seen >= rule.skip + rule.times:
                continue
            self._seen[number] += 1
            if seen < rule.skip:
                continue
            entry = Applied(
                time_ms=now_ms, fault=rule.fault, operation=operation, account=account, executed=rule.takes_effect
            )
            self.applied.append(entry)
            return rule
        return None

    def document(self) -> dict[str, Any]:
        """Plan and counts as JSON values."""
        return {"plan": self.plan.model_dump(mode="json"), "seen": dict(self._seen)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "FaultDesk":
        """Go on where a stored desk stopped."""
        seen = {int(number): count for number, count in document["seen"].items()}
        return cls(FaultPlan.model_validate(document["plan"]), seen)


def as_plan(raw: Any) -> FaultPlan:
    """Read a plan from `{rules: [...]}` or from the bare list of rules."""
    return FaultPlan.model_validate({"rules": raw} if isinstance(raw, list) else raw or {})


def load_faults(path: Path) -> FaultPlan:
    """Read a fault plan from a YAML or JSON file. Raises: WorldError naming the file and every wrong key."""
    return checked(path, read_yaml(path), as_plan)
