"""A supervisor brings parts up in their order, starts again what ends, and leaves nothing behind."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from cli.stack.parts import PartFailed, Probe
from models.stack import PartState
from tests.cli.stack.small import DEAF, QUICK, Yard, kill, lives, until


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


async def test_a_part_is_started_when_what_it_stands_on_is_well_and_ended_before_it(yard: Yard) -> None:
    parts = [yard.part("top", needs=("middle",)), yard.part("middle", needs=("bottom",)), yard.part("bottom")]

    async with yard.up(*parts):
        pids = [yard.pids(name)[0] for name in ("bottom", "middle", "top")]

    assert yard.order(PartState.READY) == ["bottom", "middle", "top"]
    assert yard.order(PartState.STOPPED) == ["top", "middle", "bottom"]
    assert not any(lives(pid) for pid in pids)


async def test_what_prepares_a_part_is_done_before_anything_stands_on_it(yard: Yard) -> None:
    done: list[bool] = []

    async def prepare() -> None:
        await asyncio.sleep(0.05)
        done.append(not yard.pids("above"))

    async with yard.up(yard.part("below", prepare=prepare), yard.part("above", needs=("below",))):
        pass

    assert done == [True]


async def test_a_part_that_dies_is_started_again_and_what_stands_on_it_is_kept(yard: Yard) -> None:
    async with yard.up(yard.part("below"), yard.part("above", needs=("below",))) as supervisor:
        kill(yard.pids("below")[0])
        await until(lambda: len(yard.pids("below")) == 2 and supervisor.up)

        assert len(yard.pids("above")) == 1
    assert any("below was ended by SIGKILL" in note for note in yard.notes)
    assert "below is well again" in yard.notes


async def test_a_part_that_does_not_recover_from_the_fall_of_another_is_started_again(yard: Yard) -> None:
    async def well(_: datetime) -> bool:  # it hangs from the moment that the other had to be started again
        return len(yard.pids("below")) == 1 or len(yard.pids("above")) == 2

    parts = [yard.part("below"), yard.part("above", well=well, needs=("below",), unwell_seconds=0.2)]
    async with yard.up(*parts) as supervisor:
        kill(yard.pids("below")[0])
        await until(lambda: len(yard.pids("above")) == 2 and supervisor.up)

    assert ("above", PartState.UNWELL) in yard.history
    assert any("above did not answer any more" in note for note in yard.notes)


async def test_a_part_is_not_ended_for_the_fault_of_what_it_stands_on(yard: Yard) -> None:
    fallen = yard.folder / "fallen"
    waits = f"import os, time\nwhile os.path.exists({str(fallen)!r}): time.sleep(0.02)\ntime.sleep(60)"

    async def well(_: datetime) -> bool:
        return not fallen.exists()

    async def below_is_well(_: datetime) -> bool:
        return bool(yard.pids("below")) and not fallen.exists()

    parts = [
        yard.part("below", waits, well=below_is_well),
        yard.part("above", well=well, needs=("below",), unwell_seconds=0.1),
    ]
    async with yard.up(*parts) as supervisor:
        fallen.touch()
        kill(yard.pids("below")[0])
        await until(lambda: len(yard.pids("below")) == 2)
        await asyncio.sleep(0.4)
        fallen.unlink()
        await until(lambda: supervisor.up)

        assert len(yard.pids("above")) == 1


async def test_a_part_that_dies_in_a_loop_gets_longer_pauses_and_never_takes_the_others_with_it(yard: Yard) -> None:
    once = yard.folder / "first"
    dies = f"import os, time\nif os.path.exists({str(once)!r}): os._exit(3)\nopen({str(once)!r}, 'w')\ntime.sleep(60)"
    async with yard.up(yard.part("steady"), yard.part("shaky", dies)) as supervisor:
        kill(yard.pids("shaky")[0])
        await until(lambda: len(yard.pids("shaky")) >= 5)

        assert supervisor.lives["steady"].state is PartState.READY
    waits = [note.rsplit(" in ", 1)[1] for note in yard.notes if note.startswith("shaky ended with exit code 3")]
    assert waits[:2] == ["0.1 s", "0.1 s"]
    assert yard.notes[0].endswith("in 0.05 s")


async def test_a_stack_whose_part_ends_before_it_was_ever_well_does_not_come_up(yard: Yard) -> None:
    says = "import sys\nprint('no such folder', flush=True)\nsys.exit(4)"
    supervisor = yard.supervise(yard.part("steady"), yard.part("broken", says, needs=("steady",), well=never))

    with pytest.raises(PartFailed, match="broken does not come up: it ended with exit code 4") as caught:
        await supervisor.run()

    assert caught.value.tail.endswith("no such folder")
    assert len(yard.pids("broken")) == QUICK.tries
    assert not lives(yard.pids("steady")[0])


async def test_a_part_that_is_never_ready_is_ended_and_tried_again_and_then_given_up(yard: Yard) -> None:
    supervisor = yard.supervise(yard.part("slow", well=never, start_seconds=0.1))

    with pytest.raises(PartFailed, match="did not come up in time"):
        await supervisor.run()

    assert len(yard.pids("slow")) == QUICK.tries
    assert not any(lives(pid) for pid in yard.pids("slow"))


async def test_a_probe_that_hangs_is_a_no(yard: Yard) -> None:
    async def hangs(_: datetime) -> bool:
        await asyncio.sleep(60)
        return True

    supervisor = yard.supervise(
        yard.part("slow", well=hangs, start_seconds=0.1), manners=replace(QUICK, probe=0.05, tries=1)
    )

    with pytest.raises(PartFailed):
        await supervisor.run()


async def test_what_prepare_raises_ends_the_stack(yard: Yard) -> None:
    async def prepare() -> None:
        raise LookupError("both stores hold something")

    supervisor = yard.supervise(yard.part("below", prepare=prepare), yard.part("above", needs=("below",)))

    with pytest.raises(LookupError):
        await supervisor.run()

    assert not lives(yard.pids("below")[0])
    assert not yard.pids("above")


async def test_a_part_with_one_thing_to_do_is_done_and_not_done_again(yard: Yard) -> None:
    async with yard.up(yard.part("below"), yard.part("task", "", needs=("below",), once=True)) as supervisor:
        kill(yard.pids("below")[0])
        await until(lambda: len(yard.pids("below")) == 2 and supervisor.up)

        assert supervisor.lives["task"].state is PartState.DONE
    assert len(yard.pids("task")) == 1


async def test_a_part_that_ignores_the_request_to_end_is_killed_after_its_time(yard: Yard) -> None:
    async with yard.up(yard.part("deaf", DEAF, well=said_deaf(yard), stop_seconds=0.2)):
        (pid,) = yard.pids("deaf")

    assert not lives(pid)


async def test_asked_to_end_a_second_time_nobody_is_waited_for(yard: Yard) -> None:
    async with yard.up(yard.part("deaf", DEAF, well=said_deaf(yard), stop_seconds=60)) as supervisor:
        supervisor.stop()
        await until(lambda: supervisor.lives["deaf"].state is PartState.STOPPING)

    assert not lives(yard.pids("deaf")[0])


async def test_a_stack_that_is_told_to_end_while_it_comes_up_ends(yard: Yard) -> None:
    supervisor = yard.supervise(yard.part("slow", well=never), yard.part("above", needs=("slow",)))
    running = asyncio.create_task(supervisor.run())
    await until(lambda: bool(yard.pids("slow")))

    supervisor.stop()
    await running

    assert not lives(yard.pids("slow")[0])
    assert not yard.pids("above")


async def test_what_a_part_started_in_a_session_of_its_own_is_ended_with_the_stack(yard: Yard) -> None:
    child = yard.folder / "child"
    starts = (
        "import subprocess, sys, time\n"
        "run = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)\n"
        f"open({str(child)!r}, 'w').write(str(run.pid))\ntime.sleep(60)"
    )

    async def has_child(_: datetime) -> bool:
        return child.exists() and bool(child.read_text())

    async with yard.up(yard.part("worker", starts, well=has_child)):
        pid = int(child.read_text())
        assert lives(pid)

    assert not lives(pid)


async def test_a_part_is_told_its_environment_and_no_other_part_is(yard: Yard) -> None:
    writes = (
        f"import json, os, time\njson.dump(dict(os.environ), open({str(yard.folder / 'env')!r}, 'w'))\ntime.sleep(60)"
    )
    parts = [yard.part("one", writes, environment={"NIJA_HOME": "/here"}), yard.part("two")]

    async with yard.up(*parts):
        await until(lambda: (yard.folder / "env").exists() and (yard.folder / "env").read_text().endswith("}"))
        told = json.loads((yard.folder / "env").read_text())

    assert (told["NIJA_HOME"], told["NIJA_STACK"]) == ("/here", f"{yard.folder.name}/one")


async def test_a_command_that_is_not_there_ends_the_stack(yard: Yard) -> None:
    supervisor = yard.supervise(yard.part("steady"), replace(yard.part("gone"), command=("/no/such/program",)))

    with pytest.raises(FileNotFoundError):
        await supervisor.run()

    assert not any(lives(pid) for pid in yard.pids("steady"))


def test_a_part_cannot_stand_on_one_that_is_not_there(yard: Yard) -> None:
    with pytest.raises(ValueError, match="sand"):
        yard.supervise(yard.part("house", needs=("sand",)))


async def never(_: datetime) -> bool:
    return False


def said_deaf(yard: Yard) -> Probe:
    async def well(_: datetime) -> bool:
        log = yard.folder / "deaf.log"
        return log.exists() and "deaf" in log.read_text()

    return well
