"""Make the API key and secret of a simulated account. Deterministic, so nothing has to be handed around."""

import base64
import hashlib

_MARK = "SIMULATOR-ONLY"


def simulated_credentials(account_id: str) -> tuple[str, str]:
    """Key and secret a simulated venue accepts for this account.

    The secret is valid base64, as Kraken's are; decoded, it begins with the words SIMULATOR-ONLY.
    """
    digest = hashlib.sha256(f"{_MARK}:{account_id}".encode()).digest()
    # Multiples of three bytes need no base64 padding: the "=" would have to be escaped in a shell.
    secret = base64.b64encode(f"{_MARK}:".encode() + digest[:30]).decode()
    return f"{_MARK}-{digest.hex()[:24]}", secret
