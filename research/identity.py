"""Name a search by all that decides what comes of it: prices, strategy, space, settings, and the code that computes it.

The same id is the same calculation, so what is kept of it need not be computed again; where anything differs, the code
of the strategy or of the engine included, it is another study.
"""

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from research.bars import COLUMNS, Bars
from research.settings import BacktestSettings
from research.space import Space
from research.strategies.base import Strategy

# What computes a result, beside this file: where any of it is another, so may the result be.
_ENGINE = ("engine.py", "kernel", "kernel.py", "sizes.py", "metrics.py", "curve.py", "overfitting.py", "evaluate.py")
_LENGTH = 32  # hex digits


def study_id(document: Mapping[str, Any], series: Sequence[Bars], strategy: type[Strategy]) -> str:
    """Return the id of a search. `document`: what it was asked for, as plain data."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode())
    for bars in series:
        digest.update(f"{bars.symbol} {bars.step_seconds}".encode())
        for name in ("time", *COLUMNS):
            digest.update(getattr(bars, name).tobytes())
    digest.update(_source(strategy).encode())
    digest.update(_engine())
    return digest.hexdigest()[:_LENGTH]


def asked_for(
    space: Space, settings: BacktestSettings, objective: str, *, kind: str, method: str, **more: Any
) -> dict[str, Any]:
    """Return what a search was asked for, as plain data."""
    return {
        "kind": kind,
        "strategy": space.strategy.name,
        "space": [axis.document for axis in space.axes],
        "settings": json.loads(json.dumps(asdict(settings), default=str)),
        "objective": objective,
        "method": method,
        **more,
    }


@cache
def _engine() -> bytes:
    """Return a digest of the code that trades and measures."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(path.read_bytes())
    return digest.digest()


def _files() -> Iterator[Path]:
    for name in _ENGINE:
        path = Path(__file__).parent / name
        if path.is_dir():
            yield from sorted(path.glob("*.py"))
        elif path.exists():
            yield path


def _source(strategy: type[Strategy]) -> str:
    """Return the source of a strategy's module; of one that was typed at a prompt only its name."""
    try:
        module = inspect.getmodule(strategy)
        return inspect.getsource(module if module is not None else strategy)
    except (OSError, TypeError):
        return strategy.__qualname__
