"""What a search says to the outside: typed, as JSON and for Prefect's pages. Fractions, not percent."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

Figures = dict[str, int | float | None]
Parameters = dict[str, int | float]


class Outcome(StrEnum):
    """Whether what a search chose is more than luck."""

    HOLDS = "holds"  # nothing that was looked at speaks against it
    OVERFIT = "overfit"  # what luck alone would bring, or worse: no recommendation
    UNPROVEN = "unproven"  # too little was seen to say: no recommendation either


class Finding(StrEnum):
    """What speaks against the best combination."""

    NO_TRADES = "no_trades"  # no combination ever traded
    NO_PROFIT = "no_profit"  # even the best loses
    DEFLATED_SHARPE_LOW = "deflated_sharpe_low"  # so many tries alone would show as much
    PBO_HIGH = "pbo_high"  # what was best in one half of the time was not in the other
    OUT_OF_SAMPLE_WEAK = "out_of_sample_weak"  # on what it had not seen, it did not earn beyond chance
    FEW_FOLDS_PROFITABLE = "few_folds_profitable"
    TOO_FEW_TRADES = "too_few_trades"
    TOO_FEW_BARS = "too_few_bars"
    NOTHING_TO_CHOOSE_FROM = "nothing_to_choose_from"  # a single combination was tried


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class Verdict(_Report):
    """Whether the best of a search is more than luck, and the figures it rests on.

    `sharpe_per_bar`: of what was chosen; `luck_per_bar`: what the best of as many tries without skill would show.
    `deflated_sharpe`: the probability that it is above that. `pbo`: the probability that the best of one half of the
    time is below the median in the other; `loss_probability`: that it loses there. None: it could not be computed.
    """

    outcome: Outcome
    findings: list[Finding]
    words: list[str]
    sharpe_per_bar: float | None = None
    luck_per_bar: float | None = None
    deflated_sharpe: float | None = None
    pbo: float | None = None
    loss_probability: float | None = None
    out_of_sample: float | None = None  # the probability that its Sharpe ratio there is above zero
    tried: int = 0
    trades: int = 0
    bars: int = 0

    @property
    def recommends(self) -> bool:
        """Whether nothing speaks against it."""
        return self.outcome is Outcome.HOLDS


class ValueScore(_Report):
    """How the combinations with one value of a parameter did; of a range, `value` is its middle."""

    value: int | float
    combinations: int
    mean: float
    best: float


class Sensitivity(_Report):
    """How much a parameter decides: `share` of the scores' variance lies between its values."""

    parameter: str
    share: float | None
    values: list[ValueScore]


class HeatMap(_Report):
    """The mean score over two parameters; `scores[row][column]` for `ys[row]` and `xs[column]`, None: nothing there."""

    x: str
    y: str
    xs: list[int | float]
    ys: list[int | float]
    scores: list[list[float | None]]


class Tried(_Report):
    """One combination and what came of it."""

    parameters: Parameters
    score: float | None
    metrics: Figures


class FoldReport(_Report):
    """One step of a walk-forward: what was chosen in the sample, and what it did right after."""

    fold: int
    in_sample_from: datetime
    out_of_sample_from: datetime
    until: datetime
    chosen: Parameters | None
    score: float | None
    in_sample: Figures
    out_of_sample: Figures


class SearchReport(_Report):
    """What came of a search for one strategy's parameters.

    `space`: of each parameter, what was tried. `planned`: combinations of the space, None: without end; `tried`: those
    that were looked at, the pruned among them; `kept_before`: tried by an earlier run of the same study.
    `neighbours`: the mean score right beside the best, of a grid. Of a walk-forward, what was tried counts once
    a fold, and `buy_and_hold` is of the time out of the sample.
    """

    study_id: str
    kind: str
    strategy: str
    data: str
    objective: str
    method: str
    bars: int
    gaps: int
    begins: datetime
    ends: datetime
    space: dict[str, list[int | float]]
    planned: int | None
    tried: int
    pruned: int
    kept_before: int
    seconds: float
    best: Tried | None
    neighbours: float | None
    buy_and_hold: Figures
    top: list[Tried]
    sensitivity: list[Sensitivity]
    heat_map: HeatMap | None
    verdict: Verdict
    folds: list[FoldReport] = []
    out_of_sample: Figures = {}
    equity: list[tuple[datetime, float]] = []  # out of the sample, thinned to some hundred points


class StrategySearch(_Report):
    """One strategy of a batch: its report, or why there is none."""

    strategy: str
    report: SearchReport | None = None
    code: str = ""
    message: str = ""


class BatchReport(_Report):
    """A search over one or more strategies, in the order they were named."""

    started_at: datetime
    finished_at: datetime
    strategies: list[StrategySearch]

    @property
    def exit_code(self) -> int:
        """0: every best combination holds up. 2: one does not. 3: a strategy could not be searched."""
        reports = [one.report for one in self.strategies]
        if any(report is None for report in reports):
            return 3
        return 0 if all(report.verdict.recommends for report in reports if report is not None) else 2
