"""Declare what a strategy can be told: typed, bounded, described fields; and read them from what a person typed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from models.errors import ConfigError

Value = int | float

_KINDS = {"int": int, "float": float}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a parameter may be, `low` and `high` included. `sweep`: what a search tries where nobody says."""

    low: Value
    high: Value
    says: str
    sweep: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a strategy, by its name; its values are whole numbers, or any within the bounds."""

    name: str
    is_whole: bool
    default: Value
    bounds: Bounds

    @property
    def range(self) -> str:
        """Say what it may be."""
        kind = "a whole number from " if self.is_whole else ""
        return f"{kind}{self.bounds.low:g} to {self.bounds.high:g}"

    def checked(self, where: str, value: object) -> Value:
        """Return a value of its kind and within its bounds. Raises: ConfigError, saying the range."""
        number = _number(value)
        if number is None or (self.is_whole and number != int(number)):
            raise ConfigError(f"{where}.{self.name}", f"found {str(value)[:40]!r}", self.range)
        if not self.bounds.low <= number <= self.bounds.high:
            raise ConfigError(f"{where}.{self.name}", f"{number:g} is out of range", self.range)
        return int(number) if self.is_whole else float(number)


def parameter(default: Value, low: Value, high: Value, says: str, *, sweep: Iterable[Value] = ()) -> Any:
    """Declare a field of a strategy: a whole number where `default` is one, else a float. Both bounds are allowed."""
    bounds = Bounds(low, high, says, tuple(sweep) or (default,))
    return field(default=default, metadata={"bounds": bounds})


def parameters_of(strategy: Any) -> tuple[Parameter, ...]:
    """Return the parameters of a strategy or of its class, in the order they are declared.

    Raises: TypeError for a field that is declared without `parameter`, or whose type is neither int nor float.
    """
    return tuple(_read(one) for one in fields(strategy))


def named(where: str, known: Iterable[Parameter], name: str) -> Parameter:
    """Return the parameter of a name. Raises: ConfigError with the nearest name and all of them."""
    there = {one.name: one for one in known}
    if name not in there:
        raise ConfigError(where, f"has no parameter {name!r}{nearest(name, there)}", ", ".join(there) or "none")
    return there[name]


def nearest(name: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known name was meant; empty where none is near."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def checked_values(where: str, known: tuple[Parameter, ...], given: Mapping[str, object]) -> dict[str, Value]:
    """Return every parameter's value: what is given, else its default. Raises: ConfigError."""
    for name in given:
        named(where, known, name)
    return {one.name: one.checked(where, given.get(one.name, one.default)) for one in known}


def _read(declared: "Field[Any]") -> Parameter:
    bounds = declared.metadata.get("bounds")
    kind = declared.type if isinstance(declared.type, type) else _KINDS.get(str(declared.type))
    if not isinstance(bounds, Bounds) or kind not in {int, float}:
        raise TypeError(f"{declared.name} is no parameter: declare `{declared.name}: int = parameter(...)`, or a float")
    default: Any = declared.default  # `parameter` takes nothing but numbers
    return Parameter(declared.name, kind is int, default, bounds)


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
