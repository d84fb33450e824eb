"""Dashboards and alert rules ask for what the metrics page really tells, in expressions that Prometheus understands."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from promql_parser import AggregateExpr, Expr, VectorSelector

from flows.exporter.endpoint import written
from tests.drills.desk import Desk
from tests.drills.measured import families_of, fill, reading_of
from tests.drills.plain import plain_desk

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
RULES = ROOT / "deploy/prometheus/rules.yml"

# What a scrape adds to every series, and the one metric of Prometheus' own that a rule asks for.
ADDED = {"job", "instance"}
PROMETHEUS_OWN = {"up": {"job", "instance"}}
# Told for a person's own questions; on no page and in no rule, with the reason.
EXCUSED: dict[str, str] = {}
RUNBOOKS = {
    "halted",
    "frozen",
    "unvalued",
    "unknown-order",
    "breaker-open",
    "mismatch",
    "silent-pipeline",
    "balance-old",
    "verification-failed",
    "delivery-failed",
}


@dataclass(frozen=True)
class Asked:
    """One expression, where it stands, and the labels that the text beside it shows."""

    where: str
    expression: str
    shown: frozenset[str] = frozenset()

    @property
    def parsed(self) -> Expr:
        text = re.sub(r"\$\{?(account|pipeline|venue)\}?", ".*", self.expression.replace("$__rate_interval", "5m"))
        return promql_parser.parse(text)


@pytest.fixture(scope="module")
def exported(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the labels of every series that the page has, over a store with everything and over one that is away."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "store.db").write_bytes(sqlite_template.read_bytes())
    with pytest.MonkeyPatch.context() as patch, plain_desk(folder, f"sqlite:///{folder}/store.db", patch) as desk:
        fill(desk)
        found = _labels(desk)
        patch.setenv("NIJA_DATABASE_URL", f"sqlite:///{folder}/away.db")
        return found | _labels(desk)


def test_every_expression_asks_for_series_and_labels_that_the_page_has(exported: dict[str, set[str]]) -> None:
    known = exported | PROMETHEUS_OWN

    wrong = [
        f"{asked.where}: {name}{{{label}}}"
        for asked in asked_for()
        for name, labels in _selected(asked.parsed)
        for label in labels or {""}
        if name not in known or (label and label not in known[name] | ADDED)
    ]

    assert wrong == []


def test_what_is_grouped_by_and_shown_is_a_label_of_what_is_asked(exported: dict[str, set[str]]) -> None:
    known = exported | PROMETHEUS_OWN

    wrong = []
    for asked in asked_for():
        there = set().union(*(known[name] for name, _ in _selected(asked.parsed))) | ADDED
        by = _grouped_by(asked.parsed)
        wrong += [f"{asked.where}: by {label}" for label in by or () if label not in there]
        left = there if by is None else by
        wrong += [f"{asked.where}: shows {label}" for label in asked.shown - left]

    assert wrong == []


def test_every_metric_is_on_a_page_or_in_a_rule_or_excused(exported: dict[str, set[str]]) -> None:
    used = {name for asked in asked_for() for name, _ in _selected(asked.parsed)}

    told = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported}
    used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    assert told - used == set(EXCUSED)


def test_counters_are_asked_for_their_increase_and_gauges_are_not() -> None:
    for asked in asked_for():
        for call in re.findall(r"(?:rate|increase)\((nija_\w+)", asked.expression):
            assert call.endswith(("_total", "_count", "_sum", "_bucket")), asked
        for name, _ in _selected(asked.parsed):
            if name.endswith("_total"):
                assert re.search(rf"(?:rate|increase)\({name}", asked.expression), asked


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in _rules()]

    assert len(names) == len(set(names))
    for rule in _rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule
        assert re.fullmatch(r"\d+[mhd]", rule["for"]), rule
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}, rule
        assert all(text.strip() for text in rule["annotations"].values()), rule


def test_every_runbook_is_there_and_every_one_of_the_operators_is_led_to() -> None:
    led_to = set()
    for rule in _rules():
        document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert document.startswith("docs/"), rule
        if document == "docs/operations.md":
            led_to.add(anchor)
        if document != "docs/operations.md" or (ROOT / document).exists():
            assert anchor in _anchors(ROOT / document), rule

    assert led_to == RUNBOOKS


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_has_what_grafana_needs(path: Path) -> None:
    dashboard = json.loads(path.read_text())

    needed = {"uid": str, "title": str, "schemaVersion": int, "panels": list, "templating": dict, "time": dict}
    assert {key for key, kind in needed.items() if not isinstance(dashboard.get(key), kind)} == set()
    assert dashboard.get("id") is None  # Grafana gives it
    assert len(dashboard["uid"]) <= 40
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    places: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        assert {"type", "title", "gridPos"} <= set(panel), panel
        grid = panel["gridPos"]
        mine = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert grid["x"] + grid["w"] <= 24, panel["title"]
        assert not places & mine, panel["title"]
        places |= mine
        if panel["type"] == "row":
            continue
        assert panel["type"] in {"stat", "gauge", "bargauge", "timeseries", "table"}
        assert {"datasource", "targets", "fieldConfig", "options"} <= set(panel), panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert refs
        assert len(refs) == len(set(refs))
        assert all(
            target["datasource"] == {"type": "prometheus", "uid": "${datasource}"} for target in panel["targets"]
        )
        assert {"defaults", "overrides"} <= set(panel["fieldConfig"])
    named = set(re.findall(r"\$\{?([a-z]\w*)\}?", path.read_text())) - {"__rate_interval"}
    assert named == {variable["name"] for variable in dashboard["templating"]["list"]}


def test_dashboards_have_uids_and_titles_of_their_own() -> None:
    found = [json.loads(path.read_text()) for path in DASHBOARDS]

    assert len({one["uid"] for one in found}) == len({one["title"] for one in found}) == len(found) == 4


def test_what_is_provisioned_and_scraped_fits_together() -> None:
    grafana = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((grafana / "datasources/prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((grafana / "dashboards/nija.yaml").read_text())["providers"]
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())

    assert (source["type"], source["access"]) == ("prometheus", "proxy")
    assert (provider["type"], bool(provider["options"]["path"])) == ("file", True)
    assert all((ROOT / "deploy/prometheus" / name).exists() for name in prometheus["rule_files"])
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == "nija"  # a rule asks for it by name
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:9464"]


def asked_for() -> list[Asked]:
    """Return every expression of the rules, the dashboards and their variables."""
    return [*_in_rules(), *(asked for path in DASHBOARDS for asked in _in_dashboard(path))]


def _in_rules() -> Iterator[Asked]:
    for rule in _rules():
        texts = " ".join(rule["annotations"].values())
        yield Asked(rule["alert"], rule["expr"], frozenset(re.findall(r"\$labels\.(\w+)", texts)))


def _in_dashboard(path: Path) -> Iterator[Asked]:
    dashboard = json.loads(path.read_text())
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            called = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert called is not None, variable
            yield Asked(f"{path.name} ${variable['name']}", called[1], frozenset({called[2]}))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            shown = frozenset(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
            yield Asked(f"{path.name} {panel['title']}", target["expr"], shown)


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _walk(expression: Any) -> Iterator[Expr]:
    """Yield an expression and all that it is made of."""
    yield expression
    for part in ("lhs", "rhs", "expr", "vector_selector"):
        if (inner := getattr(expression, part, None)) is not None:
            yield from _walk(inner)
    for argument in getattr(expression, "args", None) or ():
        yield from _walk(argument)


def _selected(expression: Expr) -> list[tuple[str, set[str]]]:
    return [
        (part.name, {matcher.name for matcher in part.matchers.matchers})
        for part in _walk(expression)
        if isinstance(part, VectorSelector)
    ]


def _grouped_by(expression: Expr) -> set[str] | None:
    """Return what is left of the labels; None: all of them."""
    groups = [part for part in _walk(expression) if isinstance(part, AggregateExpr)]
    if not groups:
        return None
    return set().union(*(set(group.modifier.labels) if group.modifier else set() for group in groups))


def _labels(desk: Desk) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, labels in families_of(written(reading_of(desk), "")[0].decode()):
        found.setdefault(name, set()).update(labels)
    return found


def _anchors(document: Path) -> set[str]:
    text = document.read_text()
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a (?:id|name)="([\w-]+)"', text))
