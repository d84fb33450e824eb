"""`nija studies`: every search that is kept, with all of its combinations."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from cli.console import JsonOption, out, print_json
from models.errors import ConfigError
from models.search import Study, Trial
from models.settings import load_settings
from models.store.engine import Store
from models.store.studies import delete_study, studies, study_of, trials_of
from models.study_report import CombinationReport, CombinationsReport, StudiesReport, StudyReport

app = typer.Typer(no_args_is_help=True, help="List what searches have kept, show every combination, delete a study.")
StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="Its id, or the beginning of it.")]


@app.command("list")
def list_studies(
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="The newest so many.")] = 20,
    as_json: JsonOption = False,
) -> int:
    """List studies, the newest first; one without an outcome was stopped, and can be gone on with.

    Example: nija studies list --limit 5
    """

    async def run() -> StudiesReport:
        async with await Store.open(load_settings().store_url) as store:
            return StudiesReport(studies=[_study(study, kept) for study, kept in await studies(store, limit=limit)])

    report = asyncio.run(run())
    (print_json if as_json else _show_studies)(report)
    return 0


@app.command()
def show(
    study: StudyArgument,
    fold: Annotated[
        int | None, typer.Option("--fold", metavar="N", help="Only this fold; 0: the whole history [default: all].")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="The best so many, of the table.")] = 30,
    as_json: JsonOption = False,
) -> int:
    """Show the combinations of a study, the best first; --json has all of them with all of their metrics.

    Example: nija studies show 3f2a --json
    """

    async def run() -> CombinationsReport:
        async with await Store.open(load_settings().store_url) as store:
            found = await _found(store, study)
            kept = await trials_of(store, found.study_id)
            chosen = [trial for trial in kept if fold is None or trial.fold == fold]
            chosen.sort(key=lambda trial: (trial.fold, trial.score is None, -(trial.score or 0.0), trial.key))
            return CombinationsReport(study=_study(found, len(kept)), combinations=[_combination(t) for t in chosen])

    report = asyncio.run(run())
    if as_json:
        print_json(report)
    else:
        _show_combinations(report, limit)
    return 0


@app.command()
def delete(study: StudyArgument) -> int:
    """Delete a study with all of its combinations; the same search would begin anew.

    Example: nija studies delete 3f2a
    """

    async def run() -> Study:
        async with await Store.open(load_settings().store_url) as store:
            found = await _found(store, study)
            await delete_study(store, found.study_id)
            return found

    gone = asyncio.run(run())
    out.print(f"deleted {gone.study_id[:12]}: {gone.strategy} on {gone.data}", markup=False, soft_wrap=True)
    return 0


async def _found(store: Store, begins: str) -> Study:
    """Return the study that is meant. Raises: ConfigError, StoreError."""
    found = await study_of(store, begins)
    if found is None:
        raise ConfigError(
            "STUDY", f"{begins!r} begins no study's id, or those of several", "what nija studies list has"
        )
    return found


def _study(study: Study, kept: int) -> StudyReport:
    verdict = (study.report or {}).get("verdict", {})
    return StudyReport(
        study_id=study.study_id,
        kind=study.kind.value,
        strategy=study.strategy,
        data=study.data,
        started_at=study.started_at,
        finished_at=study.finished_at,
        kept=kept,
        outcome=verdict.get("outcome"),
        asked=dict(study.document),
    )


def _combination(trial: Trial) -> CombinationReport:
    return CombinationReport(
        fold=trial.fold,
        state=trial.state.value,
        score=trial.score,
        parameters=dict(trial.parameters),
        metrics=dict(trial.metrics),
    )


def _show_studies(report: StudiesReport) -> None:
    table = Table(show_edge=False)
    for name in ("study", "begun (UTC)", "what", "strategy", "data", "kept", "verdict"):
        table.add_column(name)
    for one in report.studies:
        begun = f"{one.started_at:%Y-%m-%d %H:%M}"
        verdict = one.outcome or "not finished"
        table.add_row(one.study_id[:12], begun, one.kind, one.strategy, one.data, f"{one.kept:,}", verdict)
    out.print(table)


def _show_combinations(report: CombinationsReport, limit: int) -> None:
    from research.words import name_of, written  # noqa: PLC0415 - what --help need not pay

    study, shown = report.study, ("return_fraction", "drawdown_fraction", "trades")
    out.print(f"{study.strategy} on {study.data}: {study.outcome or 'not finished'}", markup=False, soft_wrap=True)
    table = Table(show_edge=False)
    for name in ("fold", "combination", study.asked.get("objective", "score"), *map(name_of, shown), "state"):
        table.add_column(name)
    for one in report.combinations[:limit]:
        values = ", ".join(f"{name} {value:g}" for name, value in one.parameters.items())
        score = "" if one.score is None else f"{one.score:.3f}"
        table.add_row(str(one.fold), values, score, *(written(n, one.metrics.get(n)) for n in shown), one.state)
    out.print(table)
    if len(report.combinations) > limit:
        out.print(f"{len(report.combinations) - limit} more: --limit, or --json", style="dim")
