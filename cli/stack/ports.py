"""Whether a port can be had, and who holds it where that can be told."""

import socket
from contextlib import suppress

import psutil

from models.errors import ConfigError

LOOPBACK = "127.0.0.1"


def claim(port: int, option: str) -> None:
    """Make sure that nobody listens on a port of the loopback. Raises: ConfigError naming who does."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what only fades away is free
        try:
            trial.bind((LOOPBACK, port))
        except PermissionError:
            raise ConfigError(option, f"port {port} is kept for root", "1024 to 65535") from None
        except OSError:
            raise ConfigError(option, f"port {port} is taken{_by(port)}", "a free port") from None


def holder(port: int) -> psutil.Process | None:
    """Return who listens on a port; None where this user may not know. Only root sees the processes of others."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return psutil.Process(connection.pid)
    return None


def _by(port: int) -> str:
    found = holder(port)
    if found is None:
        return ""
    with suppress(psutil.Error):
        command = " ".join(found.cmdline()) or found.name()
        return f" by process {found.pid} ({command[:80]})"
    return f" by process {found.pid}"
