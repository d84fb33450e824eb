"""Compile a kernel once and keep it on disk, where there is a disk to keep it on."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile at the first call, release the interpreter's lock while it runs, keep the result between processes.

    Numba keeps it beside the source, else in the user's cache, else where NUMBA_CACHE_DIR says. Where none of them can
    be written to, each process compiles anew. Floats are added in the order in which they are written: no fastmath.
    """
    try:
        kept: Kernel = njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        kept = njit(nogil=True, error_model="numpy")(function)
    return kept
