"""Keep encoded answers of public endpoints while nothing they depend on has changed."""

import json
from collections.abc import Callable, Hashable
from typing import Any

from brokers.simulator.venue import Venue

_MOST = 512


class AnswerCache:
    """Encoded JSON by key. Answers with prices live for the current second, since prices move once a second."""

    def __init__(self, venue: Venue) -> None:
        """Watch the version of this venue."""
        self._venue = venue
        self._kept: dict[Hashable, tuple[tuple[int, int], bytes]] = {}

    def fixed(self, key: Hashable, make: Callable[[], Any]) -> bytes:
        """Answer that changes only with the markets or accounts."""
        return self._get(key, (self._venue.version, 0), make)

    def priced(self, key: Hashable, now_ms: int, make: Callable[[], Any]) -> bytes:
        """Answer that shows prices or time."""
        return self._get(key, (self._venue.version, now_ms // 1000), make)

    def _get(self, key: Hashable, stamp: tuple[int, int], make: Callable[[], Any]) -> bytes:
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        if len(self._kept) >= _MOST:
            self._kept.clear()
        encoded = json.dumps(make(), separators=(",", ":")).encode()
        self._kept[key] = stamp, encoded
        return encoded
