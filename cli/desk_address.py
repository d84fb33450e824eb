"""Where a desk is."""

from models.settings import DeskSettings


def address_of(served: DeskSettings) -> str:
    """Return the address by which people reach a desk."""
    if served.url is not None:
        return str(served.url).rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(served.host, served.host)  # noqa: S104 - read, not bound
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{served.port}"
