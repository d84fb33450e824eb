"""Verifications are kept whole, and a store that lacks something or is damaged says where."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from models.reasons import Verdict
from models.store.engine import Store
from models.store.soundness import file_faults, schema_faults
from models.store.verifications import latest_verification, save_verification, verifications
from models.verification import CheckResult, Part, VerificationReport, verification_report
from tests.builders import NOW

CHECK = CheckResult(part=Part.RULES, name="exits_fire", verdict=Verdict.FAIL, found="no", seconds=0.1, venue="kraken")
WEEK = timedelta(weeks=1)


def a_verification(run_id: str, weeks: int) -> VerificationReport:
    began = NOW + weeks * WEEK
    return verification_report(run_id, began, began + timedelta(seconds=20), [CHECK])


async def test_the_newest_verification_comes_first_and_comes_back_whole(store: Store, other: Store) -> None:
    assert await latest_verification(store) is None

    for run_id, weeks in (("b", 1), ("a", 2), ("c", 0)):
        await save_verification(store, a_verification(run_id, weeks))

    assert await latest_verification(other) == a_verification("a", 2)
    assert [report.run_id for report in await verifications(other, limit=2)] == ["a", "b"]


async def test_a_schema_that_lacks_a_table_or_a_column_says_which(store: Store) -> None:
    assert await schema_faults(store) == ()

    await store.execute(text("DROP TABLE counters"))
    await store.execute(text("ALTER TABLE verifications DROP COLUMN passed"))

    assert set(await schema_faults(store)) == {"table counters is missing", "column verifications.passed is missing"}


async def test_an_index_that_lost_a_row_is_found(tmp_path: Path) -> None:
    path = tmp_path / "nija.db"
    async with await Store.open(f"sqlite:///{path}") as store:
        await save_verification(store, a_verification("a", 0))
        assert await file_faults(store) == ()
    with sqlite3.connect(path) as database:
        find = "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'verifications'"
        (page,) = database.execute(find).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x0a" + bytes(4) + size.to_bytes(2, "big"))  # the head of a leaf that lists nothing

    async with await Store.open(f"sqlite:///{path}") as store:
        assert "missing from index" in " ".join(await file_faults(store) or ())
