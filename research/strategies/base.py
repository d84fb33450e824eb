"""What a strategy is: parameters that are declared, and signals made of closed bars alone.

A strategy is a frozen dataclass whose fields are its parameters. It sees whole arrays of bars and says for each what
should happen at the next one's open; it must use nothing later than the bar itself, which `research.lookahead` checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from models.errors import ConfigError
from research.bars import Bars
from research.parameters import Parameter, Value, checked_values, parameters_of
from research.settings import BacktestSettings
from research.signals import Signals


@dataclass(frozen=True)
class Strategy:
    """The base of all strategies. A subclass says its `name` and its `says`, and makes `signals`."""

    name: ClassVar[str] = ""
    says: ClassVar[str] = ""  # one line, for lists
    series: ClassVar[int] = 1  # how many series it reads
    cost_legs: ClassVar[int] = 1  # orders that each of its trades takes: fees and slippage are paid on each

    def __post_init__(self) -> None:
        """Hold every parameter to its bounds, and all of them to each other. Raises: ConfigError."""
        for name, value in checked_values(self.name, self.declared(), self.values()).items():
            object.__setattr__(self, name, value)  # 5.0 of a whole parameter is 5
        if why := self.conflict():
            raise ConfigError(self.name, why)

    @classmethod
    def declared(cls) -> tuple[Parameter, ...]:
        """Return the parameters. Raises: TypeError where a field is none."""
        return parameters_of(cls)

    @classmethod
    def built(cls, given: Mapping[str, object]) -> Self:
        """Return the strategy with these parameters, defaults for the others. Raises: ConfigError."""
        return cls(**checked_values(cls.name, cls.declared(), given))

    def values(self) -> dict[str, Value]:
        """Return the parameters by name."""
        return {one.name: getattr(self, one.name) for one in self.declared()}

    def conflict(self) -> str:
        """Say why these parameters do not go together; empty: they do. A search leaves out those that do not."""
        return ""

    def traded(self, series: Sequence[Bars]) -> Bars:
        """Return the bars of what is traded: of the one series, unless a strategy makes it out of several.

        Raises: ConfigError where there are fewer or more series than the strategy reads.
        """
        self.check_count(series)
        return series[0]

    def check_count(self, series: Sequence[Bars]) -> None:
        """Raise ConfigError where there are fewer or more series than the strategy reads."""
        if len(series) != self.series:
            wanted = "one series" if self.series == 1 else f"{self.series} series"
            raise ConfigError(self.name, f"reads {wanted}, and {len(series)} were given")

    def assumed(self, settings: BacktestSettings) -> BacktestSettings:
        """Return the settings its trades are simulated with: every leg of a trade pays its fee and its slippage."""
        return replace(
            settings,
            fee_fraction=settings.fee_fraction * self.cost_legs,
            slippage_fraction=settings.slippage_fraction * self.cost_legs,
        )

    def decided(self, bars: Bars) -> Signals:
        """Return the signals, one for each bar. Raises: ConfigError where it fails, or makes something else."""
        try:
            made = self.signals(bars)
        except ConfigError:
            raise
        except Exception as error:  # a strategy is anybody's code
            raise ConfigError(self.name, f"failed on {len(bars)} bars ({type(error).__name__}: {error})") from error
        if not isinstance(made, Signals) or len(made) != len(bars):
            what = f"{len(made)} signals" if isinstance(made, Signals) else f"a {type(made).__name__}"
            raise ConfigError(self.name, f"made {what} of {len(bars)} bars", "Signals, one per bar")
        return made

    def signals(self, bars: Bars) -> Signals:
        """Return what to do at each bar's close, made of that bar and those before it."""
        raise NotImplementedError
