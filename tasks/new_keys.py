"""Hold new keys to what a venue can have shown: whole, and nothing in them that would break a header."""

from pydantic import SecretStr

from models.errors import ConfigError
from models.settings import Credentials, as_pem

_PEM = "-----BEGIN"
_END_OF_PEM = "-----END"


def checked_keys(key: str, secret: str, passphrase: str | None, *, needs_passphrase: bool) -> Credentials:
    """Return keys as they were typed or pasted, fit to be sent. Raises: ConfigError; nothing of them stands in it."""
    key, secret = key.strip(), as_pem(secret.strip())
    if secret.startswith(_PEM):
        if _END_OF_PEM not in secret:
            allowed = "--secret-file PATH, or the key in one line with \\n for its line breaks"
            raise ConfigError("API secret", "is only the beginning of a private key", allowed)
    else:
        _one_word("API secret", secret)
    _one_word("API key", key)
    if passphrase is not None or needs_passphrase:
        passphrase = (passphrase or "").strip("\r\n")
        _line("API passphrase", passphrase)
    return Credentials(SecretStr(key), SecretStr(secret), None if passphrase is None else SecretStr(passphrase))


def _one_word(what: str, value: str) -> None:
    _line(what, value)
    if " " in value:
        raise ConfigError(what, "has a space in it", "exactly what the venue showed")


def _line(what: str, value: str) -> None:
    if not value:
        raise ConfigError(what, "is empty")
    if not (value.isascii() and value.isprintable()):  # a line break would end the HTTP header it is sent in
        raise ConfigError(what, "has a line break or a character in it that is not ASCII", "what the venue showed")
