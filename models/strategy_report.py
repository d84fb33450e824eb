"""Which strategies there are and what they can be told, and whether one looks ahead: typed, as JSON."""

from pydantic import BaseModel, ConfigDict


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class ParameterReport(_Report):
    """One parameter; `low` and `high` are allowed. `sweep`: what a search tries where nobody says."""

    name: str
    says: str
    is_whole: bool
    default: int | float
    low: int | float
    high: int | float
    sweep: list[int | float]


class StrategyReport(_Report):
    """One strategy; `series`: how many series it reads, `cost_legs`: orders that each of its trades takes."""

    name: str
    says: str
    where: str
    series: int
    cost_legs: int
    parameters: list[ParameterReport]


class BrokenReport(_Report):
    """An entry point that gives no strategy, and why not."""

    name: str
    problem: str


class StrategiesReport(_Report):
    """Every strategy, and what of other packages is broken."""

    strategies: list[StrategyReport]
    broken: list[BrokenReport]


class PeekReport(_Report):
    """A bar whose signal is another one without what came later."""

    time: int
    what: str
    whole: str
    cut: str


class CheckReport(_Report):
    """Whether a strategy looks ahead on some prices, by `cuts` of their end."""

    strategy: str
    parameters: dict[str, int | float]
    data: str
    bars: int
    cuts: int
    entries: int
    peeks: list[PeekReport]

    @property
    def exit_code(self) -> int:
        """0: it does not. 3: it does."""
        return 3 if self.peeks else 0
