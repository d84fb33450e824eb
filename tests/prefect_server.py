"""One Prefect server a test process, for the folders whose tests run flows: nine seconds that are paid once."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prefect.settings import (
    PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
    PREFECT_HOME,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

START_SECONDS = 90  # two test processes start theirs at once

_running: list[bool] = []


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run flows on a server of this test process; two folders that ask for it share one."""
    if _running:
        yield
        return
    private = {
        PREFECT_HOME: tmp_path_factory.mktemp("prefect"),
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
        PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True,  # it speaks plain HTTP; loading certificates takes 70 ms a run
    }
    with ExitStack() as stack:
        stack.enter_context(temporary_settings(private))
        stack.enter_context(prefect_test_harness(server_startup_timeout=START_SECONDS))
        _running.append(True)
        yield
        _running.clear()
