"""Record every call a venue received: what was asked, by whom, what came of it. No secret is ever in it."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from brokers.simulator.wire import Operation

_SECRET = frozenset({"signature", "nonce", "otp", "api_key", "api_secret"})
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call. `outcome` is ok, the venue's words of refusal, or not executed."""

    time_ms: int
    operation: Operation
    account: str | None
    endpoint: str
    params: dict[str, str]
    outcome: str
    fault: str | None


class CallLog:
    """The newest calls in full, and counts of all of them by operation and account."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Go on from the counts of an earlier run, keyed `operation|account`."""
        self.records: deque[CallRecord] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter(counts)

    def add(self, record: CallRecord) -> None:
        """Keep one call."""
        self.records.append(record)
        self._counts[f"{record.operation}|{record.account or ''}"] += 1

    def count(self, operation: str, account: str | None = None) -> int:
        """Count the calls of one operation, or `any`, by one account, or all."""
        return sum(
            count
            for name, count in self._counts.items()
            if operation in {Operation.ANY, name.split("|")[0]} and account in {None, name.split("|")[1]}
        )

    def counts(self) -> dict[str, int]:
        """Return the counts by `operation|account`."""
        return dict(self._counts)


def without_secrets(params: Mapping[str, str]) -> dict[str, str]:
    """Parameters of a call as they may be kept."""
    return {name: value for name, value in params.items() if name not in _SECRET}
