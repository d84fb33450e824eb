"""A search as markdown, for Prefect's pages: the verdict first, then what was found."""

from collections.abc import Mapping, Sequence

from models.search_report import BatchReport, FoldReport, SearchReport, Sensitivity, Tried, Verdict
from research.evaluate import LESS_IS_BETTER
from research.words import name_of, written

SHOWN = ("return_fraction", "sharpe", "drawdown_fraction", "trades", "win_rate", "profit_factor")
_OF_TOP = ("return_fraction", "trades")
WALK_FORWARD = "walk_forward"
_ADVICE = {
    "holds": "nothing that was looked at speaks against it",
    "overfit": "no recommendation: luck alone would show as much, or more",
    "unproven": "no recommendation: too little was seen to say",
}


def search_markdown(report: BatchReport) -> str:
    """Write a whole search."""
    lines = []
    for one in report.strategies:
        if one.report is None:
            lines += [f"# {one.strategy}: not searched", "", f"**{one.code}** {_cell(one.message)}", ""]
        else:
            lines += [*_strategy(one.report), ""]
    return "\n".join(lines)


def parameters(values: Mapping[str, float] | None) -> str:
    """Write parameters in one line."""
    return "nothing" if values is None else ", ".join(f"{name} {value:.6g}" for name, value in values.items())


def mean_of(objective: str, score: float | None) -> str:
    """Write a mean score as the metric that is sought: where less is better, scores have its sign turned."""
    return written(objective, -score if score is not None and objective in LESS_IS_BETTER else score)


def advice(verdict: Verdict) -> str:
    """Say what a verdict means for whoever would trade on it."""
    return _ADVICE[verdict.outcome.value]


def span(report: SearchReport) -> str:
    """Say from when to when a search looks."""
    return f"{report.begins:%Y-%m-%d %H:%M} to {report.ends:%Y-%m-%d %H:%M} UTC"


def _strategy(report: SearchReport) -> list[str]:
    tried = f"{report.tried} combinations tried, {report.pruned} of them in part; study `{report.study_id[:12]}`"
    seen = f"{report.bars:,} bars, {span(report)}, {report.gaps} gaps"
    lines = [
        f"# {report.strategy} on {_cell(report.data)}: {report.verdict.outcome}",
        "",
        f"{advice(report.verdict).capitalize()}. {seen}; {tried}.",
        "",
        *[f"- **{finding}** {_cell(words)}" for finding, words in _findings(report.verdict)],
        "",
        *(_best(report) if report.best is not None else ()),
    ]
    if report.folds:
        lines += ["", *_folds(report.folds)]
    if report.sensitivity:
        lines += ["", *_sensitivity(report.sensitivity, report.objective)]
    if report.top:
        lines += ["", *_top(report.top, report.objective)]
    return lines


def _findings(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.value, words) for finding, words in zip(verdict.findings, verdict.words, strict=True)]


def _best(report: SearchReport) -> list[str]:
    """Write what was chosen, beside buying and holding."""
    out = report.kind == WALK_FORWARD
    title = "out of the sample" if out else parameters(report.best.parameters if report.best else None)
    mine = report.out_of_sample if out else (report.best.metrics if report.best else {})
    rows = [
        f"| {name_of(name)} | {written(name, mine.get(name))} | {written(name, report.buy_and_hold.get(name))} |"
        for name in SHOWN
        if name in mine
    ]
    return [f"| | {title} | buy and hold |", "|---|---|---|", *rows]


def _folds(folds: Sequence[FoldReport]) -> list[str]:
    head = ["| fold | out of the sample from | until | chosen | return in | return out |", "|---|---|---|---|---|---|"]
    return head + [
        f"| {fold.fold} | {fold.out_of_sample_from:%Y-%m-%d %H:%M} | {fold.until:%Y-%m-%d %H:%M} | "
        f"{parameters(fold.chosen)} | {written('return_fraction', fold.in_sample.get('return_fraction'))} | "
        f"{written('return_fraction', fold.out_of_sample.get('return_fraction'))} |"
        for fold in folds
    ]


def _sensitivity(order: Sequence[Sensitivity], objective: str) -> list[str]:
    head = ["| parameter | decides | best value | its mean |", "|---|---|---|---|"]
    rows = []
    for one in order:
        best = max(one.values, key=lambda value: value.mean, default=None)
        share = "unknown" if one.share is None else f"{one.share:.0%}"
        where = ("", "") if best is None else (f"{best.value:.6g}", mean_of(objective, best.mean))
        rows.append(f"| {one.parameter} | {share} | {where[0]} | {where[1]} |")
    return head + rows


def _top(top: Sequence[Tried], objective: str) -> list[str]:
    head = [f"| combination | {objective} | return | trades |", "|---|---|---|---|"]
    rows = [
        (parameters(one.parameters), *(written(name, one.metrics.get(name)) for name in (objective, *_OF_TOP)))
        for one in top
    ]
    return head + [f"| {' | '.join(row)} |" for row in rows]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
