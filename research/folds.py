"""Cut a history for a walk-forward: parameters are chosen in one part and tried in the next, again and again."""

from dataclasses import dataclass

from models.errors import ConfigError

_FEWEST_INSIDE = 100  # bars
_FEWEST_OUTSIDE = 20


@dataclass(frozen=True, slots=True)
class Fold:
    """Positions of bars: the sample is from `begin` up to `split`, what it is tried on from `split` up to `end`."""

    number: int  # from 1 on
    begin: int
    split: int
    end: int


def folds_of(bars: int, count: int, ratio: float, *, anchored: bool) -> tuple[Fold, ...]:
    """Cut `bars` into `count` folds whose samples are `ratio` times as long as what they are tried on.

    What they are tried on follows one on the other up to the last bar. `anchored`: every sample begins at the first bar
    and grows; else it moves along. Raises: ConfigError where a part would be too short to say anything.
    """
    outside = int(bars / (ratio + count))
    inside = bars - count * outside if anchored else min(int(outside * ratio), bars - count * outside)
    if inside < _FEWEST_INSIDE or outside < _FEWEST_OUTSIDE:
        raise ConfigError(
            "--folds",
            f"{bars} bars make samples of {inside} and trials of {outside}",
            f"{_FEWEST_INSIDE} and {_FEWEST_OUTSIDE} at least: fewer folds, or a longer history",
        )
    found = []
    for number in range(1, count + 1):
        split = bars - (count - number + 1) * outside
        found.append(Fold(number, 0 if anchored else split - inside, split, split + outside))
    return tuple(found)
