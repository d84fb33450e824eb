"""The Prefect server of the tests, for the tests that run flows."""

from tests.prefect_server import prefect_api, prefect_home, prefect_server

__all__ = ["prefect_api", "prefect_home", "prefect_server"]
