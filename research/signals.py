"""What a strategy wants, bar by bar: decided when a bar closes, acted on when the next one opens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.errors import ConfigError
from research.bars import sealed

Entries = npt.NDArray[np.int8]
Exits = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """One entry per bar in each array; the arrays cannot be written to.

    `entry`: 1 opens a long position, -1 a short one, 0 does nothing; one against what is held closes that first.
    `exit`: closes what is held.
    """

    entry: Entries
    exit: Exits

    def __len__(self) -> int:
        return len(self.entry)

    @classmethod
    def of(cls, entry: npt.ArrayLike, exit: npt.ArrayLike | None = None) -> "Signals":  # noqa: A002 - what it is
        """Check and keep them. `exit` None: nothing but an entry against it closes a position. Raises: ConfigError."""
        given = np.asarray(entry)
        if given.ndim != 1 or given.dtype.kind not in "iub" or (len(given) and (given.min() < -1 or given.max() > 1)):
            raise ConfigError("signals", "an entry that is none of the allowed", "-1, 0, 1, one per bar")
        leaving = np.zeros(len(given), dtype=np.bool_) if exit is None else np.asarray(exit)
        if leaving.shape != given.shape or leaving.dtype != np.bool_:
            raise ConfigError("signals", f"exits of {leaving.dtype}, {leaving.shape}", f"bool, {given.shape}")
        return cls(sealed(np.ascontiguousarray(given, dtype=np.int8)), sealed(np.ascontiguousarray(leaving)))
