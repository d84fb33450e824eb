"""Say whether the best of a search is more than luck. What was looked at, and what speaks against it, is all named."""

from collections.abc import Sequence
from typing import Any

from models.search import Trial, TrialState
from models.search_report import Finding, Outcome, Verdict
from research.overfitting import (
    Moments,
    backtest_overfitting,
    deflated_sharpe,
    expected_maximum,
    luck_variance,
    probabilistic_sharpe,
)

# Together they let none of 1,200 random walks without costs pass (benchmarks/luck.py); at 95 % and 0.5 it is 7.
CONFIDENCE = 0.99  # of the deflated Sharpe ratio: a search is repeated often, and only its best runs are told
MOST_PBO = 0.4  # 0.5 is what choosing among noise comes to
CONFIDENCE_OUTSIDE = 0.95  # of the Sharpe ratio out of the sample, which nothing was chosen by
FEWEST_TRADES = 30  # below it a mean of trades says little
FEWEST_BARS = 250
FEWEST_FOLDS = 0.5  # of a walk-forward, that must have earned something
# Findings that leave open what more data would show; the others speak against it.
_OF_A_SEARCH = {Finding.DEFLATED_SHARPE_LOW, Finding.PBO_HIGH, Finding.NOTHING_TO_CHOOSE_FROM}
_OPEN = {Finding.NO_TRADES, Finding.TOO_FEW_TRADES, Finding.TOO_FEW_BARS, Finding.NOTHING_TO_CHOOSE_FROM}


def judge_search(trials: Sequence[Trial], best: Trial | None) -> Verdict:
    """Judge the best combination of a search over the whole history."""
    whole = [read_moments(t.moments) for t in trials if t.state is TrialState.DONE and t.moments is not None]
    if best is None or best.moments is None:
        return _verdict([(Finding.NO_TRADES, "no combination traded")], tried=len(trials))
    moments = read_moments(best.moments)
    trades = int(best.metrics.get("trades") or 0)
    deflated = deflated_sharpe(moments, whole, len(trials))
    pbo = backtest_overfitting(whole)
    luck = expected_maximum(luck_variance(whole), len(trials))
    found = [
        *_profit(moments),
        *_few(moments.bars, trades),
        *_deflated(deflated, len(trials)),
        *_halves(None if pbo is None else pbo.probability),
    ]
    return _verdict(
        found,
        sharpe_per_bar=moments.sharpe,
        luck_per_bar=luck,
        deflated_sharpe=deflated,
        pbo=None if pbo is None else pbo.probability,
        loss_probability=None if pbo is None else pbo.loss,
        tried=len(trials),
        trades=trades,
        bars=moments.bars,
    )


def judge_walk(
    trials: Sequence[Trial], best: Trial | None, stitched: Moments | None, gains: Sequence[float], *, trades: int
) -> Verdict:
    """Judge a walk-forward: by what it did out of the sample, and by the search over the whole history as well.

    `trials`, `best`: over the whole history; `stitched`: of the returns out of the sample, all folds together; `gains`:
    each fold's return there.
    """
    search = judge_search(trials, best)
    if stitched is None:
        return _verdict([(Finding.NO_TRADES, "no combination traded in a sample")], tried=search.tried)
    chance = probabilistic_sharpe(stitched)
    won = sum(gain > 0 for gain in gains)
    found = [*_profit(stitched), *_few(stitched.bars, trades)]
    if chance < CONFIDENCE_OUTSIDE:
        words = f"out of the sample its Sharpe ratio is above zero with a probability of {_cut(chance)}"
        found.append((Finding.OUT_OF_SAMPLE_WEAK, f"{words}; {CONFIDENCE_OUTSIDE:.0%} is asked for"))
    if won < FEWEST_FOLDS * len(gains):
        found.append((Finding.FEW_FOLDS_PROFITABLE, f"{won} of {len(gains)} folds earned something out of the sample"))
    of_search = zip(search.findings, search.words, strict=True)
    found += [(finding, words) for finding, words in of_search if finding in _OF_A_SEARCH]
    figures = search.model_dump(include={"luck_per_bar", "deflated_sharpe", "pbo", "loss_probability", "tried"})
    return _verdict(
        found, **figures, sharpe_per_bar=stitched.sharpe, out_of_sample=chance, trades=trades, bars=stitched.bars
    )


def read_moments(document: Any) -> Moments:
    """Return what was kept of a combination's returns."""
    return Moments(
        tuple(document["count"]),
        tuple(document["total"]),
        tuple(document["squares"]),
        document["skewness"],
        document["kurtosis"],
    )


def _profit(moments: Moments) -> list[tuple[Finding, str]]:
    if moments.sharpe > 0:
        return []
    return [(Finding.NO_PROFIT, f"even the best has a Sharpe ratio of {moments.sharpe:.4f} per bar")]


def _few(bars: int, trades: int) -> list[tuple[Finding, str]]:
    found = []
    if trades < FEWEST_TRADES:
        found.append((Finding.TOO_FEW_TRADES, f"{trades} trades; {FEWEST_TRADES} are the least that says something"))
    if bars < FEWEST_BARS:
        found.append((Finding.TOO_FEW_BARS, f"{bars} bars; {FEWEST_BARS} are the least that says something"))
    return found


def _deflated(deflated: float, tried: int) -> list[tuple[Finding, str]]:
    if tried < 2:  # noqa: PLR2004 - nothing was chosen
        return [(Finding.NOTHING_TO_CHOOSE_FROM, "a single combination was tried, so nothing is known of the others")]
    if deflated >= CONFIDENCE:
        return []
    words = f"that it is better than the luckiest of {tried} tries without skill has a probability of {_cut(deflated)}"
    return [(Finding.DEFLATED_SHARPE_LOW, f"{words}; {CONFIDENCE:.0%} is asked for")]


def _halves(pbo: float | None) -> list[tuple[Finding, str]]:
    if pbo is None or pbo <= MOST_PBO:
        return []
    words = f"the best of one half of the time is below the median in the other in {pbo:.1%} of all halvings"
    return [(Finding.PBO_HIGH, f"{words}; {MOST_PBO:.0%} at most is asked for")]


def _cut(fraction: float) -> str:
    """Write a probability; what is nearly enough is not called enough."""
    return f"{int(fraction * 1000) / 10:g} %"


def _verdict(found: Sequence[tuple[Finding, str]], **figures: Any) -> Verdict:
    findings = [finding for finding, _ in found]
    outcome = Outcome.HOLDS
    if findings:
        outcome = Outcome.UNPROVEN if set(findings) <= _OPEN else Outcome.OVERFIT
    return Verdict(outcome=outcome, findings=findings, words=[words for _, words in found], **figures)
