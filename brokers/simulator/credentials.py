"""Make the API keys of a simulated account. Deterministic, so nothing has to be handed around."""

import base64
import hashlib
import uuid
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from brokers.simulator.manners import KeyShape

_MARK = "SIMULATOR-ONLY"
# The order of P-256 is a little below 2**256: a number of 31 bytes is always a valid private key.
_EC_BYTES = 31


class Keys(NamedTuple):
    """What an account signs with."""

    api_key: str
    api_secret: str
    passphrase: str | None = None


def simulated_credentials(account_id: str, shape: KeyShape = KeyShape.SECRET) -> Keys:
    """Keys a simulated venue accepts for this account.

    A plain secret is valid base64, as Kraken's are; decoded, it begins with the words SIMULATOR-ONLY.
    """
    digest = hashlib.sha256(f"{_MARK}:{account_id}".encode()).digest()
    if shape is KeyShape.EC_KEY:
        key = ec.derive_private_key(int.from_bytes(digest[:_EC_BYTES]), ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        return Keys(f"organizations/{_MARK}/apiKeys/{uuid.UUID(bytes=digest[:16], version=4)}", pem)
    # Multiples of three bytes need no base64 padding: the "=" would have to be escaped in a shell.
    secret = base64.b64encode(f"{_MARK}:".encode() + digest[:30]).decode()
    passphrase = f"{_MARK}-{digest.hex()[24:32]}" if shape is KeyShape.PASSPHRASE else None
    return Keys(f"{_MARK}-{digest.hex()[:24]}", secret, passphrase)
