"""The addresses of channels as tokens of the vault's cipher: each opens for the channel of that name alone."""

import json

from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from models.errors import ChannelLocked
from models.master_key import MasterKeys

_FIELDS = {"channel", "url"}


def seal_address(master: MasterKeys, channel: str, address: SecretStr) -> str:
    """Encrypt a channel's address with the newest master key."""
    document = {"channel": channel, "url": address.get_secret_value()}
    return master.cipher.encrypt(json.dumps(document).encode()).decode()


def unseal_address(master: MasterKeys, channel: str, token: str) -> SecretStr:
    """Decrypt a channel's address. Raises: ChannelLocked."""
    if not master.keys:
        raise ChannelLocked(channel, f"no master key was found ({master.where})")
    try:
        document = json.loads(master.cipher.decrypt(token.encode()))
    except (InvalidToken, ValueError):  # an error of the parser would carry the address
        document = None
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise ChannelLocked(channel, f"it is damaged, or not encrypted with the master key of {master.where}")
    if document["channel"] != channel:
        raise ChannelLocked(channel, "the token in its row is another channel's")
    return SecretStr(document["url"])


def reseal_address(master: MasterKeys, channel: str, token: str) -> str:
    """Encrypt a channel's address anew, with the newest master key. Raises: ChannelLocked."""
    return seal_address(master, channel, unseal_address(master, channel, token))


def address_opens(master: MasterKeys, channel: str, token: str) -> bool:
    """Say whether a channel's address can be opened."""
    try:
        unseal_address(master, channel, token)
    except ChannelLocked:
        return False
    return True
