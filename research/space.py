"""What a search tries: values for each parameter of a strategy, and the combinations of them that go together."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import ConfigError
from research.parameters import Parameter, Value, named
from research.strategies.base import Strategy

MOST_OF_A_GRID = 100_000
_WRITTEN = "LOW:HIGH:STEP, LOW:HIGH, one value, or values with commas"
_DIGITS = 12  # of a value on a grid: 0.1 + 0.2 is 0.3


@dataclass(frozen=True, slots=True)
class Axis:
    """What is tried of one parameter: these values; or, where there are none, any from `low` to `high`."""

    name: str
    values: tuple[Value, ...]
    low: Value
    high: Value

    @property
    def document(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"name": self.name, "values": list(self.values), "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Space:
    """The combinations of a strategy's parameters that a search may try."""

    strategy: type[Strategy]
    axes: tuple[Axis, ...]

    @property
    def size(self) -> int | None:
        """How many combinations the axes span, those that do not go together included; None: without end."""
        return None if any(not axis.values for axis in self.axes) else math.prod(len(axis.values) for axis in self.axes)

    @property
    def moving(self) -> tuple[Axis, ...]:
        """The axes with more than one value."""
        return tuple(axis for axis in self.axes if len(axis.values) != 1)

    def combinations(self) -> Iterator[Strategy]:
        """Yield those that go together, the last axis fastest. Raises: ConfigError where they are too many."""
        self.check_grid()
        for chosen in itertools.product(*(axis.values for axis in self.axes)):
            values = dict(zip((axis.name for axis in self.axes), chosen, strict=True))
            if (built := self.at(values)) is not None:
                yield built

    def check_grid(self) -> None:
        """Raise ConfigError where there are too many combinations to try them all."""
        for axis in self.axes:
            if not axis.values:
                written = f"{axis.name}={axis.low:g}:{axis.high:g}:STEP"
                raise ConfigError(self.strategy.name, f"{axis.name} has no step", f"{written}, or --method tpe")
        if (size := self.size) is not None and size > MOST_OF_A_GRID:
            many = f"{size:,} combinations are too many for a grid"
            raise ConfigError(self.strategy.name, many, f"{MOST_OF_A_GRID:,} at most, or --method tpe")

    def first(self) -> Strategy | None:
        """Return a combination that goes together, whichever comes first; None: there is none."""
        ends = [axis.values or (axis.low, axis.high) for axis in self.axes]
        names = [axis.name for axis in self.axes]
        tried = (self.at(dict(zip(names, chosen, strict=True))) for chosen in itertools.product(*ends))
        return next((one for one in tried if one is not None), None)

    def at(self, values: Mapping[str, Value]) -> Strategy | None:
        """Return the strategy of one combination; None: its parameters do not go together."""
        try:
            return self.strategy.built(values)
        except ConfigError:  # each value is within its bounds, as the axes were read
            return None


def key_of(strategy: Strategy) -> str:
    """Return what names a combination among those of its strategy: `fast=5 slow=20`."""
    return " ".join(f"{name}={value!r}" for name, value in strategy.values().items())


def space_of(strategy: type[Strategy], written: Sequence[str] = ()) -> Space:
    """Return the space that ranges like `fast=5:50:5` describe; what is not named is swept as its strategy suggests.

    Raises: ConfigError naming the parameter and its range.
    """
    declared = strategy.declared()
    axes = {one.name: _axis(one, one.bounds.sweep) for one in declared}
    for text in written:
        name, _, wanted = text.partition("=")
        one = named(f"--param {strategy.name}", declared, name.strip())
        axes[one.name] = _read(strategy.name, one, wanted.strip())
    space = Space(strategy, tuple(axes.values()))
    if space.first() is None:
        raise ConfigError(strategy.name, f"no combination goes together{_why(space)}")
    return space


def _why(space: Space) -> str:
    """Say why the first one does not."""
    try:
        space.strategy.built({axis.name: (axis.values or (axis.low,))[0] for axis in space.axes})
    except ConfigError as error:
        return f": {error.problem}"
    return ""


def _read(where: str, one: Parameter, text: str) -> Axis:
    if not text:
        raise ConfigError(f"{where}.{one.name}", "has no range", _WRITTEN)
    if ":" not in text:
        return _axis(one, [one.checked(where, part.strip()) for part in text.split(",")])
    parts = [part.strip() for part in text.split(":")]
    if len(parts) > 3:  # noqa: PLR2004 - low, high and step
        raise ConfigError(f"{where}.{one.name}", f"found {text!r}", _WRITTEN)
    low, high = (one.checked(where, part) for part in parts[:2])
    if low > high:
        raise ConfigError(f"{where}.{one.name}", f"{low:g} is above {high:g}", _WRITTEN)
    if len(parts) == 2:  # noqa: PLR2004 - no step
        if not one.is_whole:
            return Axis(one.name, (), low, high)
        return _axis(one, range(int(low), int(high) + 1))
    return _axis(one, _stepped(f"{where}.{one.name}", low, high, parts[2], whole=one.is_whole))


def _stepped(where: str, low: Value, high: Value, text: str, *, whole: bool) -> list[Value]:
    """Return low, low + step and so on, up to high."""
    try:
        step = float(text)
    except ValueError:
        step = math.nan
    if not (0 < step < math.inf) or (whole and step != int(step)):
        raise ConfigError(
            where, f"found the step {text!r}", "a positive whole number" if whole else "a positive number"
        )
    count = math.floor(round((high - low) / step, 9)) + 1
    if count > MOST_OF_A_GRID:
        raise ConfigError(where, f"has {count:,} values", f"{MOST_OF_A_GRID:,}, with a larger step")
    return [round(low + n * step, _DIGITS) for n in range(count)]


def _axis(one: Parameter, values: Sequence[Value]) -> Axis:
    kind = int if one.is_whole else float
    there = tuple(dict.fromkeys(kind(value) for value in values))
    return Axis(one.name, there, min(there), max(there))
