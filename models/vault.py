"""The vault's cipher: the keys of one account as one token, which opens for that account alone.

What is encrypted says whose it is, so a token that was copied to another account's row is refused there.
"""

import hashlib
import json

from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from models.errors import VaultLocked
from models.master_key import MasterKeys
from models.settings import Credentials

_FINGERPRINT_DIGITS = 12
_FIELDS = {"account", "api_key", "api_secret", "passphrase"}


def fingerprint(api_key: SecretStr) -> str:
    """Return 12 hex digits that tell API keys apart and open nothing."""
    return hashlib.sha256(b"nija key " + api_key.get_secret_value().encode()).hexdigest()[:_FINGERPRINT_DIGITS]


def seal(master: MasterKeys, account: str, credentials: Credentials) -> str:
    """Encrypt an account's keys with the newest master key."""
    document = {
        "account": account,
        "api_key": credentials.api_key.get_secret_value(),
        "api_secret": credentials.api_secret.get_secret_value(),
        "passphrase": None if credentials.passphrase is None else credentials.passphrase.get_secret_value(),
    }
    return master.cipher.encrypt(json.dumps(document).encode()).decode()


def unseal(master: MasterKeys, account: str, token: str) -> Credentials:
    """Decrypt an account's keys. Raises: VaultLocked."""
    document = _opened(master, account, token)
    passphrase = document["passphrase"]
    return Credentials(
        api_key=SecretStr(document["api_key"] or ""),
        api_secret=SecretStr(document["api_secret"] or ""),
        passphrase=None if passphrase is None else SecretStr(passphrase),
    )


def reseal(master: MasterKeys, account: str, token: str) -> str:
    """Encrypt an account's keys anew, with the newest master key. Raises: VaultLocked."""
    return seal(master, account, unseal(master, account, token))


def _opened(master: MasterKeys, account: str, token: str) -> dict[str, str | None]:
    if not master.keys:
        raise VaultLocked(account, f"no master key was found ({master.where})")
    document = _decrypted(master, token)
    if document is None:
        raise VaultLocked(account, f"they are damaged, or not encrypted with the master key of {master.where}")
    if document["account"] != account:
        raise VaultLocked(account, "the token in its row is another account's")
    return document


def _decrypted(master: MasterKeys, token: str) -> dict[str, str | None] | None:
    """Return the document of a token, None where it cannot be read: an error of the parser would carry the keys."""
    try:
        document = json.loads(master.cipher.decrypt(token.encode()))
    except (InvalidToken, ValueError):
        return None
    # A master key that another program uses as well may open what is none of ours.
    return document if isinstance(document, dict) and document.keys() == _FIELDS else None
