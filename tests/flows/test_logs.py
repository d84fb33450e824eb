"""What our own loggers say in a flow run reaches Prefect's UI with its fields, and without secrets."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogHandler
from pydantic import SecretStr

from flows.logs import PACKAGES, Stderr, set_up_flow_logs, set_up_logs, show_in_prefect
from models.log_context import about
from models.log_lines import Dresser
from models.settings import Credentials, LogFormat, LogSettings
from tests.drills.desk import Desk

pytestmark = pytest.mark.wire
SECRET = "c2VjcmV0LW9mLXRoZS1mbG93LXRlc3Q"


@pytest.fixture(autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    loggers = [logging.getLogger(), *map(logging.getLogger, PACKAGES)]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)


def test_lines_of_a_flow_run_are_shown_in_prefect_without_secrets(prefect_server: None) -> None:
    Credentials(SecretStr(SECRET), SecretStr(SECRET))

    @flow
    async def tells() -> None:
        show_in_prefect()
        with about("platform", "the run"):
            logging.getLogger("flows.tested").warning("account metrics", extra={"total": f"1 USD {SECRET}"})
        get_run_logger().warning("its own logger: %s", SECRET)
        raise ValueError(f"https://venue/?key={SECRET}")

    told = asyncio.run(_told_by(tells))

    assert 'account metrics account=platform run="the run" total="1 USD ***"' in told
    assert "its own logger: ***" in told
    assert "ValueError" in told
    assert SECRET not in told


def test_a_worker_says_more_than_a_command_and_in_the_form_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIJA_LOG_FORMAT", "json")

    set_up_flow_logs(unattended=True)

    assert logging.getLogger("flows.account").isEnabledFor(logging.INFO)
    assert not logging.getLogger("sqlalchemy").isEnabledFor(logging.INFO)
    assert [type(h.formatter).__name__ for h in logging.getLogger().handlers if isinstance(h, Stderr)] == ["JsonLine"]


def test_a_wrong_setting_stops_no_flow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NIJA_LOG_LEVEL", "loud")

    set_up_flow_logs(unattended=True)

    assert logging.getLogger("flows.account").isEnabledFor(logging.INFO)


def test_setting_it_up_again_leaves_one_handler_and_every_one_takes_secrets_out() -> None:
    for form in (LogFormat.CONSOLE, LogFormat.JSON, LogFormat.CONSOLE):
        set_up_logs(LogSettings(log_format=form))

    handlers = logging.getLogger().handlers
    assert sum(isinstance(handler, Stderr) for handler in handlers) == 1
    every = [*handlers, *logging.getLogger("prefect.flow_runs").handlers]
    assert all(sum(isinstance(one, Dresser) for one in handler.filters) == 1 for handler in every)
    assert any(isinstance(handler, APILogHandler) for handler in every)


def test_a_run_on_prefect_sets_the_log_up(desk: Desk) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, Stderr)]
    desk.worth({"BTC": 1000})

    desk.normalize(live=False)

    assert any(isinstance(handler, Stderr) for handler in root.handlers)


async def _told_by(runs: object) -> str:
    """Run a flow that fails, and return what Prefect's server keeps of its log."""
    state = await runs(return_state=True)  # type: ignore[operator]
    await APILogHandler.aflush()
    async with get_client() as client:
        mine = {"logs": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}
        answer = await client.request("POST", "/logs/filter", json=mine)
    return "\n".join(row["message"] for row in answer.json())
