"""docs/metrics.md names every metric as the table has it, and no other."""

import re
from pathlib import Path

from flows.exporter.table import METRICS, Metric

DOCUMENT = Path(__file__).parents[2] / "docs/metrics.md"


def test_the_document_has_a_row_for_every_metric_as_the_table_has_it() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `nija_")]

    assert rows == [_row(metric) for metric in METRICS.values()]


def test_names_are_as_prometheus_has_them() -> None:
    for metric in METRICS.values():
        assert re.fullmatch(r"nija_[a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.name.endswith("_seconds") == ("seconds" in metric.unit), metric.name
        assert metric.name.endswith("_ratio") == (metric.unit == "ratio"), metric.name
        assert metric.meaning.endswith("."), metric.name
        assert not {"job", "instance", "le", "__name__"} & set(metric.labels), metric.name


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.meaning} |"
