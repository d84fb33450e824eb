"""Find strategies: the built-in ones, and those that other packages offer by entry points (group nija.strategies).

One that cannot be loaded is named with what is wrong with it, and does not keep the others away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from models.errors import ConfigError
from research.parameters import nearest
from research.strategies.base import Strategy
from research.strategies.bollinger import Bollinger
from research.strategies.breakout import Breakout
from research.strategies.cross_venue import CrossVenue
from research.strategies.momentum import Momentum
from research.strategies.polymarket import Polymarket
from research.strategies.rsi import Rsi
from research.strategies.sma_cross import SmaCross

GROUP = "nija.strategies"
BUILT_IN: tuple[type[Strategy], ...] = (Momentum, SmaCross, Bollinger, Rsi, Breakout, CrossVenue, Polymarket)


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry point that gives no strategy, and why not."""

    name: str
    problem: str

    def __str__(self) -> str:
        return f"strategy {self.name}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Registry:
    """The strategies there are, by name."""

    classes: Mapping[str, type[Strategy]]
    broken: tuple[Broken, ...] = ()

    def named(self, name: str) -> type[Strategy]:
        """Return a strategy's class. Raises: ConfigError with what is wrong with it, or the nearest name."""
        if name in self.classes:
            return self.classes[name]
        for one in self.broken:
            if one.name == name:
                raise ConfigError(f"strategy {name}", one.problem)
        allowed = ", ".join(sorted(self.classes))
        raise ConfigError("--strategy", f"there is no {name!r}{nearest(name, self.classes)}", allowed)


def found() -> Registry:
    """Return the built-in strategies and those that are installed. A built-in one's name is its own."""
    classes: dict[str, type[Strategy]] = {one.name: one for one in BUILT_IN}
    broken: list[Broken] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        loaded = _loaded(point)
        if isinstance(loaded, Broken):
            broken.append(loaded)
        elif loaded.name in classes:
            broken.append(Broken(point.name, f"{point.value} is called {loaded.name}, and so is another"))
        else:
            classes[loaded.name] = loaded
    return Registry(classes, tuple(broken))


def _loaded(point: EntryPoint) -> type[Strategy] | Broken:
    """Load a strategy; what another's code does while it is imported is no fault of ours."""
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001 - anything may be raised there, and the other strategies go on
        return Broken(point.name, f"{point.value} cannot be loaded ({type(error).__name__}: {error})")
    if not (isinstance(loaded, type) and issubclass(loaded, Strategy)):
        return Broken(point.name, f"{point.value} is no subclass of research.strategies.base.Strategy")
    if loaded.name != point.name:
        return Broken(point.name, f"{point.value} calls itself {loaded.name!r}, and its entry point does not")
    try:
        loaded()
    except (ConfigError, TypeError) as error:
        return Broken(point.name, f"{point.value} cannot be made with its defaults ({error})")
    return loaded
