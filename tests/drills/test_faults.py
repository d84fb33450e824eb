"""The suite's part of the fault matrix: every second pair of fault and operation of a run, each at one venue in turn.

Whatever the venue answers, a run ends as compliant, blocked, failed or halted and has sold nothing that an undisturbed
run would not have sold; once the fault is gone, recovery and a second run make of it what one run would have made.
`make faults` runs the whole matrix.
"""

import shutil
import uuid
from pathlib import Path

import pytest

from tests.drills.matrix import share
from tests.drills.plain import without_prefect, without_throttle
from tests.drills.sweep import sweep
from tests.drills.venues import VENUES

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("venue", VENUES)
def test_no_fault_makes_a_run_sell_what_it_should_not(
    venue: str, tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_prefect(monkeypatch)
    without_throttle(monkeypatch)

    async def store(_kind: str) -> str:
        path = tmp_path / uuid.uuid4().hex / "nija.db"
        path.parent.mkdir()
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    cells = sweep(share(venue), tmp_path, store, monkeypatch)

    wrong = [str(cell) for cell in cells if cell.is_wrong]
    assert not wrong, "\n".join(wrong)
