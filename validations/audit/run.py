"""Audit the stored history with Great Expectations: what the database counted is held to the rules of suites.py.

The counting is SQL on either database, so a frame has a row a series and never a row a candle; on PostgreSQL, Great
Expectations would also need a second driver for SQL of its own. It takes seconds to import, hence inside of a function;
it reaches no network, and nothing that acts waits for it.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from models.audit import AuditCheck, AuditFinding, AuditReport
from models.history import Series, Span
from models.store.audit_figures import AuditFigures, audit_figures
from models.store.engine import Store
from validations.audit.suites import RULES, Rule, frames

_SOMETHING = Rule("series", "rows", "there is a series to audit")


def run_audit(
    url: str, *, now: datetime, series: Mapping[Series, Span | None] | Iterable[Series] | None = None
) -> AuditReport:
    """Audit the store at `url`; nothing in it is changed. Call it in a thread: it runs an event loop of its own.

    `series`: what is wanted and, where it is a mapping, in which span; None: every series that is known, from what was
    asked for first. A series that is wanted and not there is one whose newest candle is too old. An audit of nothing
    does not pass. Raises: StoreError.
    """
    began = time.monotonic()
    wanted = None if series is None else dict(series) if isinstance(series, Mapping) else dict.fromkeys(series)
    figures = asyncio.run(_read(url, now, wanted))
    checks = judge(figures)
    return AuditReport(
        started_at=now,
        finished_at=now + timedelta(seconds=time.monotonic() - began),
        checks=checks,
        series=list(figures.series),
        pairs=list(figures.pairs),
        batches=figures.batches,
        undecided=figures.undecided,
    )


def judge(figures: AuditFigures) -> list[AuditCheck]:
    """Hold figures to the rules, each suite over its frame. A suite without a row expects nothing of it."""
    context, expectations = _auditor()
    checks: list[AuditCheck] = []
    for suite, frame in frames(figures).items():
        rules = [rule for rule in RULES if rule.suite == suite] if len(frame) else []
        wanted = [expectations.ExpectColumnValuesToBeBetween(
            column=rule.column, min_value=0, max_value=rule.most, meta={"rule": rule.column}
        ) for rule in rules]  # fmt: skip
        if suite == _SOMETHING.suite:
            rules = [_SOMETHING, *rules]
            wanted.append(expectations.ExpectTableRowCountToBeBetween(min_value=1, meta={"rule": _SOMETHING.column}))
        if wanted:
            results = _validate(context, suite, frame, wanted)
            checks += _checks(rules, results, frame)
    return checks


async def _read(url: str, now: datetime, wanted: Mapping[Series, Span | None] | None) -> AuditFigures:
    async with await Store.look_at(url) as store:
        return await audit_figures(store, now, wanted)


def _auditor() -> tuple[Any, Any]:
    """Return Great Expectations' context and its expectations; it reports to nobody and draws no bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # it is read on import
    import great_expectations  # noqa: PLC0415 - takes seconds, and only an audit needs it
    from great_expectations import expectations  # noqa: PLC0415 - likewise
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415 - likewise

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context, expectations


def _validate(context: Any, suite: str, frame: pd.DataFrame, wanted: Sequence[Any]) -> dict[str, Any]:
    """Return the result of each expectation, by its rule."""
    import great_expectations  # noqa: PLC0415 - imported by now

    asset = context.data_sources.add_pandas(suite).add_dataframe_asset(suite)
    batch = asset.add_batch_definition_whole_dataframe(suite).get_batch({"dataframe": frame})
    expected = great_expectations.ExpectationSuite(name=suite, expectations=list(wanted))
    answer = batch.validate(expected, result_format={"result_format": "COMPLETE"})
    return {result.expectation_config.meta["rule"]: result for result in answer.results}


def _checks(rules: Sequence[Rule], results: Mapping[str, Any], frame: pd.DataFrame) -> Iterator[AuditCheck]:
    for rule in rules:
        result = results[rule.column]
        detail = result.result
        # A figure that is not there is skipped by the auditor; here it is one that is not known to be right.
        unknown = list(frame.index[frame[rule.column].isna()]) if rule.column in frame else []
        rows = sorted({*detail.get("unexpected_index_list", []), *unknown})
        yield AuditCheck(
            suite=rule.suite,
            rule=rule.column,
            says=rule.says,
            looked_at=len(frame),
            passed=bool(result.success) and not rows,
            findings=[
                AuditFinding(subject=frame["name"].iloc[row], found=_words(frame[rule.column].iloc[row], rule))
                for row in rows
            ],
        )


def _words(number: float, rule: Rule) -> str:
    if pd.isna(number):
        return "not known"
    value = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.3g}"
    return f"{value} {rule.unit}".strip()
