"""A port that is taken is told with whoever holds it."""

import os
import socket
from collections.abc import Iterator

import pytest

from cli.stack.ports import claim
from models.errors import ConfigError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_told_with_the_process_that_holds_it(taken: int) -> None:
    with pytest.raises(ConfigError, match=f"--port: port {taken} is taken by process {os.getpid()} "):
        claim(taken, "--port")


def test_a_free_port_is_left_free(taken: int) -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        free = trial.getsockname()[1]

    claim(free, "--port")

    with socket.socket() as after:
        after.bind(("127.0.0.1", free))
        assert after.getsockname()[1] == free
