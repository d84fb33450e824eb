"""Compile a kernel once and keep it on disk, where there is a disk to keep it on.

Numba knows a kept kernel to be stale by the file it is written in, not by those it calls into. Here it is kept under
the text of all files of its folder, so kernels are written in one folder and call nothing outside of it.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile at the first call, release the interpreter's lock while it runs, keep the result between processes.

    Numba keeps it beside the source, else in the user's cache, else where NUMBA_CACHE_DIR says. Where none of them can
    be written to, each process compiles anew. Floats are added in the order in which they are written: no fastmath.
    """
    try:
        kept: Any = njit(cache=True, nogil=True, error_model="numpy")(function)
        # Numba offers no other way to say what a kept kernel depends on (0.68).
        kept._cache._cache_file._source_stamp = stamp(Path(function.__code__.co_filename).parent)  # noqa: SLF001
    except (RuntimeError, AttributeError):  # no place to keep it in; or another numba, whose kept kernels may be stale
        kept = njit(nogil=True, error_model="numpy")(function)
    compiled_kernel: Kernel = kept
    return compiled_kernel


@cache
def stamp(folder: Path) -> str:
    """Return a digest of the sources in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
