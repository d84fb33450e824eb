"""What a search over strategies is asked for: bounded fields for a form, and the spaces that they mean."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from flows.research_data import DataRequest
from flows.research_settings import Assumptions
from models.errors import ConfigError
from models.search import SearchMethod
from research.parameters import nearest
from research.registry import Registry
from research.space import Space, space_of

ALL = "all"


class SearchRequest(BaseModel):
    """Which strategies, over which of their parameters, on which prices. Plain data, shown by Prefect."""

    model_config = ConfigDict(frozen=True)

    strategies: list[str] = Field(
        default=["sma-cross"],
        min_length=1,
        description="Names as `nija strategies list` shows them; all: each that reads as many series as are given.",
    )
    ranges: list[str] = Field(
        default_factory=list,
        description="What to try, like fast=5:50:5, fast=5,10,20 or sma-cross.fast=10; else as each strategy suggests.",
    )
    data: DataRequest = Field(default_factory=DataRequest, description="Which prices.")
    objective: str = Field(default="sharpe", description="The metric that is sought.")
    method: SearchMethod = Field(
        default=SearchMethod.GRID, description="Every combination, or what Optuna proposes, for large spaces."
    )
    trials: int = Field(default=200, ge=1, le=100_000, description="How many combinations Optuna looks at.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Of Optuna's choices: the same seed, the same search.")
    assumptions: Assumptions = Field(default_factory=Assumptions, description="Cash, costs, size and limits.")

    @property
    def series(self) -> int:
        """How many series are given."""
        return max(1, len(self.data.files), len(self.data.sources), len(self.data.symbols))


class WalkForwardRequest(SearchRequest):
    """The same, and how the history is cut. Plain data, shown by Prefect."""

    folds: int = Field(default=5, ge=2, le=100, description="How often parameters are chosen and then tried.")
    ratio: float = Field(
        default=3.0, ge=0.5, le=50, description="How much longer a sample is than what it is tried on right after."
    )
    anchored: bool = Field(default=False, description="Every sample begins at the first bar; else it moves along.")


def spaces_of(request: SearchRequest, registry: Registry) -> list[Space]:
    """Return the space of each strategy that is meant. Raises: ConfigError naming strategy, parameter and range."""
    if ALL in request.strategies:
        chosen = [one for one in registry.classes.values() if one.series == request.series]
    else:
        chosen = [registry.named(name) for name in dict.fromkeys(request.strategies)]
    there = {one.name: [declared.name for declared in one.declared()] for one in chosen}
    ranges: dict[str, list[str]] = {name: [] for name in there}
    for text in request.ranges:
        for strategy, written in _meant(text, there):
            ranges[strategy].append(written)
    return [space_of(one, ranges[one.name]) for one in chosen]


def _meant(text: str, there: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return the strategies that a range is for, each with the range as its own.

    `there`: the parameters of each strategy. Raises: ConfigError.
    """
    name, equals, values = text.partition("=")
    if not equals:
        raise ConfigError("--param", f"found {text!r}", "NAME=LOW:HIGH:STEP, as in fast=5:50:5")
    strategy, dot, parameter = name.strip().partition(".")
    if dot:
        if strategy not in there:
            raise ConfigError("--param", f"{strategy!r} is not searched{nearest(strategy, there)}", ", ".join(there))
        return [(strategy, f"{parameter}={values}")]
    found = [one for one, names in there.items() if strategy in names]
    if not found and len(there) > 1:
        known = sorted({name for names in there.values() for name in names})
        raise ConfigError("--param", f"no strategy has {strategy!r}{nearest(strategy, known)}", ", ".join(known))
    return [(one, f"{strategy}={values}") for one in found or there]
