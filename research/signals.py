"""What a strategy wants, bar by bar: decided when a bar closes, acted on when the next one opens."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.errors import ConfigError
from research.bars import sealed

Entries = npt.NDArray[np.int8]
Exits = npt.NDArray[np.int8]

CLOSE_LONG, CLOSE_SHORT, CLOSE_EITHER = 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """One entry per bar in each array; the arrays cannot be written to.

    `entry`: 1 opens a long position, -1 a short one, 0 does nothing; one against what is held closes that first.
    `exit`: 1 closes a long position, 2 a short one, 3 either; 0 does nothing.
    """

    entry: Entries
    exit: Exits

    def __len__(self) -> int:
        return len(self.entry)

    @classmethod
    def of(cls, entry: npt.ArrayLike, exit: npt.ArrayLike | None = None) -> "Signals":  # noqa: A002 - what it is
        """Check and keep them. Raises: ConfigError.

        `exit` None: nothing but an entry against it closes a position. True closes either side.
        """
        given = np.asarray(entry)
        if given.ndim != 1 or given.dtype.kind not in "iub" or (len(given) and (given.min() < -1 or given.max() > 1)):
            raise ConfigError("signals", "an entry that is none of the allowed", "-1, 0, 1, one per bar")
        leaving = np.zeros(len(given), np.int8) if exit is None else np.asarray(exit)
        if leaving.dtype == np.bool_:
            leaving = leaving * np.int8(CLOSE_EITHER)
        known = leaving.dtype.kind in "iu" and (not len(leaving) or 0 <= leaving.min() <= leaving.max() <= CLOSE_EITHER)
        if leaving.shape != given.shape or not known:
            raise ConfigError("signals", f"exits of {leaving.dtype}, {leaving.shape}", f"0, 1, 2, 3, {given.shape}")
        return cls(
            sealed(np.ascontiguousarray(given, dtype=np.int8)), sealed(np.ascontiguousarray(leaving, dtype=np.int8))
        )
