"""The Prefect server of this test process, for the tests that run flows."""

from tests.prefect_server import prefect_server

__all__ = ["prefect_server"]
