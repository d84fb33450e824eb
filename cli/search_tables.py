"""A search as tables for a person: the verdict and why, the best beside buying and holding, what decides."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.console import out
from flows.search_markdown import SHOWN, WALK_FORWARD, advice, mean_of, parameters, span
from models.search_report import BatchReport, FoldReport, Outcome, SearchReport, Sensitivity
from research.words import name_of, written

_COLORS = {Outcome.HOLDS: "bold green", Outcome.OVERFIT: "bold red", Outcome.UNPROVEN: "bold yellow"}


def show_search(report: BatchReport, to: Console = out) -> None:
    """Print a search, strategy by strategy."""
    for number, one in enumerate(report.strategies):
        if number:
            to.print()
        if one.report is None:
            to.print(Text.assemble((f"{one.strategy} ", "bold"), (f"{one.code} ", "red"), one.message), soft_wrap=True)
        else:
            _show(one.report, to)


def _show(report: SearchReport, to: Console) -> None:
    verdict = report.verdict
    to.print(Text.assemble((f"{report.strategy} ", "bold"), f"on {report.data}"), soft_wrap=True)
    to.print(Text.assemble((f"{verdict.outcome.value} ", _COLORS[verdict.outcome]), advice(verdict)), soft_wrap=True)
    for finding, words in zip(verdict.findings, verdict.words, strict=True):
        to.print(Text.assemble(("  ", ""), (f"{finding.value} ", "yellow"), words), soft_wrap=True)
    if report.best is not None:
        to.print()
        to.print(_best(report))
    if report.folds:
        to.print()
        to.print(_folds(report.folds))
    if report.sensitivity:
        to.print()
        to.print(_sensitivity(report.sensitivity, report.objective))
    kept = f", {report.kept_before} of them by an earlier run" if report.kept_before else ""
    pruned = f", {report.pruned} in part" if report.pruned else ""
    what = "evaluations in all folds" if report.folds else "combinations tried"
    to.print(
        f"\n{report.tried} {what}{pruned}{kept}; {report.bars:,} bars, {span(report)}, {report.gaps} gaps; "
        f"{report.seconds:.1f} s; study {report.study_id[:12]}",
        style="dim",
        soft_wrap=True,
    )


def _best(report: SearchReport) -> Table:
    walked = report.kind == WALK_FORWARD
    best = report.best
    mine = report.out_of_sample if walked else (best.metrics if best else {})
    title = "out of the sample" if walked else f"best: {parameters(best.parameters if best else None)}"
    table = Table(title=None, show_edge=False)
    table.add_column("")
    table.add_column(title, justify="right")
    table.add_column("buy and hold", justify="right")
    names = [name for name in dict.fromkeys((report.objective, *SHOWN)) if name in mine]
    for name in names:
        hold = report.buy_and_hold.get(name)
        table.add_row(name_of(name), written(name, mine[name]), "" if hold is None else written(name, hold))
    if report.neighbours is not None and not walked:
        table.add_row("mean of its neighbours", mean_of(report.objective, report.neighbours), "")
    return table


def _folds(folds: list[FoldReport]) -> Table:
    table = Table(show_edge=False)
    for name in ("fold", "tried from", "until", "chosen in the sample"):
        table.add_column(name)
    for name in ("return in", "return out"):
        table.add_column(name, justify="right")
    for fold in folds:
        table.add_row(
            str(fold.fold),
            f"{fold.out_of_sample_from:%Y-%m-%d %H:%M}",
            f"{fold.until:%Y-%m-%d %H:%M}",
            parameters(fold.chosen),
            written("return_fraction", fold.in_sample.get("return_fraction")),
            written("return_fraction", fold.out_of_sample.get("return_fraction")),
        )
    return table


def _sensitivity(order: list[Sensitivity], objective: str) -> Table:
    table = Table(show_edge=False)
    table.add_column("parameter")
    for name in ("decides", "best value", f"its mean {name_of(objective)}", "worst value", "its mean"):
        table.add_column(name, justify="right")
    for one in order:
        if not one.values:
            continue
        best, worst = max(one.values, key=lambda v: v.mean), min(one.values, key=lambda v: v.mean)
        share = "unknown" if one.share is None else f"{one.share:.0%}"
        table.add_row(
            one.parameter,
            share,
            f"{best.value:g}",
            mean_of(objective, best.mean),
            f"{worst.value:g}",
            mean_of(objective, worst.mean),
        )
    return table
