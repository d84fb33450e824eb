"""Collect samples by the table of metrics, and hand them to Prometheus' own library as families."""

import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from flows.exporter.table import METRICS, MetricKind

Number = float | int | bool | Decimal | datetime | None
Family = Metric


class Board:
    """Samples of one look at the store. A name or a label that the table does not have is a mistake of this program."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    @property
    def families(self) -> tuple[Metric, ...]:
        """What was collected, in the order of the table."""
        return tuple(self._families[name] for name in METRICS if name in self._families)

    def add(self, name: str, value: Number, **labels: str) -> None:
        """Add one sample. None, and what is no number, is not known: nothing is added. Raises: KeyError."""
        if value is None:
            return
        number = value.timestamp() if isinstance(value, datetime) else float(value)
        if math.isfinite(number):
            family = self._family(name)
            family.add_metric(self._values(name, labels), number)  # type: ignore[attr-defined]

    def add_durations(
        self, name: str, bounds: Sequence[float], at_most: Sequence[int], runs: int, seconds: float, **labels: str
    ) -> None:
        """Add one histogram: how many took at most so many seconds, how many in all, and their sum."""
        buckets = [(str(float(bound)), float(count)) for bound, count in zip(bounds, at_most, strict=True)]
        family = self._family(name)
        if not isinstance(family, HistogramMetricFamily):
            raise TypeError(f"{name} is no histogram")
        family.add_metric(self._values(name, labels), [*buckets, ("+Inf", float(runs))], seconds)

    @staticmethod
    def _values(name: str, labels: dict[str, str]) -> list[str]:
        if labels.keys() != set(METRICS[name].labels):
            raise KeyError(f"{name} has the labels {METRICS[name].labels}, found {tuple(labels)}")
        return [labels[label] for label in METRICS[name].labels]

    def _family(self, name: str) -> Metric:
        if name not in self._families:
            one = METRICS[name]
            build = {
                MetricKind.GAUGE: GaugeMetricFamily,
                MetricKind.COUNTER: CounterMetricFamily,
                MetricKind.HISTOGRAM: HistogramMetricFamily,
            }[one.kind]
            self._families[name] = build(name, one.meaning, labels=one.labels)
        return self._families[name]
