"""How keys are typed or piped in: hidden, never on the command line, checked before anything is stored."""

import sys
from pathlib import Path

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ConfigError
from models.settings import Credentials
from tasks.new_keys import checked_keys

DOCUMENT = '{"api_key": …, "api_secret": …, "api_passphrase": … where the venue needs one}'
_LONGEST = 64 * 1024


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_key: str
    api_secret: str | None = None
    api_passphrase: str | None = None


def ask_for_keys(*, needs_passphrase: bool, secret_file: Path | None) -> Credentials:
    """Ask for each part at the terminal, without showing it. Raises: ConfigError."""
    if not sys.stdin.isatty():
        raise ConfigError("nija keys add", "asks for the keys, and there is no terminal to ask on", "--stdin")
    key = _hidden("API key")
    secret = _hidden("API secret") if secret_file is None else _from_file(secret_file)
    passphrase = _hidden("API passphrase") if needs_passphrase else None
    return checked_keys(key, secret, passphrase, needs_passphrase=needs_passphrase)


def read_keys(*, needs_passphrase: bool, secret_file: Path | None) -> Credentials:
    """Read one JSON document from stdin. Raises: ConfigError; nothing of what was read stands in it."""
    try:
        document = _Document.model_validate_json(sys.stdin.read(_LONGEST))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        # A name that is not ours could be a value that slipped into its place.
        name = str(first["loc"][0]) if first["loc"] and first["type"] != "extra_forbidden" else ""
        problem = "holds an unknown field" if first["type"] == "extra_forbidden" else f"{name} {first['msg']}".strip()
        raise ConfigError("--stdin", problem, DOCUMENT) from None
    except UnicodeDecodeError:
        raise ConfigError("--stdin", "is not text", DOCUMENT) from None
    if secret_file is not None and document.api_secret is not None:
        raise ConfigError("--secret-file", "stdin has an api_secret, too", "one of the two")
    secret = document.api_secret if secret_file is None else _from_file(secret_file)
    return checked_keys(document.api_key, secret or "", document.api_passphrase, needs_passphrase=needs_passphrase)


def _hidden(what: str) -> str:
    return str(typer.prompt(what, hide_input=True, err=True, default="", show_default=False))


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LONGEST)
    except UnicodeDecodeError:
        raise ConfigError(f"--secret-file {path}", "is not text") from None
    except OSError as error:
        raise ConfigError(f"--secret-file {path}", f"cannot be read: {error.strerror}") from None
