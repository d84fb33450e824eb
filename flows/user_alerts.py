"""What commands and the desk share about alerts that people make: which of them a fleet has a use for, and samples."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from models.alert import FLEET
from models.alert_report import SentList, SentReport
from models.amounts import exact
from models.channel import RANK, Message
from models.errors import ConfigError
from models.fleet import Fleet
from models.settings import MasterKeySettings
from models.store.channels import channels
from models.store.engine import Store
from models.user_alert import Alert
from tasks.deliver import send_to

_PERCENT = 100


def alert_of(fields: Mapping[str, Any], where: str) -> Alert:
    """Make an alert of its fields. Raises: ConfigError naming the field, or `where` for what several make together."""
    try:
        return Alert(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][0]) if first["loc"] else where
        raise ConfigError(place, first["msg"].removeprefix("Value error, ")) from None


def number_of(where: str, text: str) -> Decimal:
    """Read a number; 5% is 0.05. Raises: ConfigError naming where it stands."""
    try:
        number = exact(text.strip().removesuffix("%"))
    except ValueError:
        raise ConfigError(where, f"{text!r} is no number", "as in 100000, 0.8 or 5%") from None
    return number / _PERCENT if text.strip().endswith("%") else number


def check_symbol(text: str, where: str = "--symbol") -> str:
    """Return a symbol that is written as venues are read. Raises: ConfigError."""
    base, slash, quote = text.partition("/")
    if not base or not slash or not quote or text != text.upper():
        raise ConfigError(where, f"{text!r} is not written as venues are read", "BASE/QUOTE, as in BTC/USD")
    return text


def check_in_fleet(
    fleet: Fleet, account: str | None, venue: str | None, *, account_at: str = "--account", venue_at: str = "--venue"
) -> None:
    """Refuse what the fleet does not have: an alert on it would never say a thing. Raises: ConfigError."""
    accounts = [one.id for one in fleet.accounts]
    if account is not None and account != FLEET and account not in accounts:
        raise ConfigError(account_at, f"no account {account!r} is in the fleet", ", ".join(accounts))
    known = sorted({one.venue for one in fleet.accounts})
    if venue is not None and venue not in known:
        raise ConfigError(venue_at, f"no account of the fleet is at {venue!r}", ", ".join(known))


async def told_of(store: Store, alert: Alert) -> list[str]:
    """Return the names of the channels that would be told of an alert. Raises: StoreError."""
    known = await channels(store)
    return [one.name for one in known if alert.kind in one.kinds and RANK[alert.severity] >= RANK[one.severity]]


async def send_alert_sample(store: Store, places: MasterKeySettings, alert: Alert) -> SentList:
    """Send a sample of an alert to every channel that would be told. Raises: StoreError."""
    words = f"{alert.condition}\nThis is a sample: nothing was judged and nothing is counted."
    sample = Message("Nija: a test of an alert", words, alert.severity)
    return await send_sample(store, places, sample, await told_of(store, alert))


async def send_sample(store: Store, places: MasterKeySettings, message: Message, names: Sequence[str]) -> SentList:
    """Send a message to channels, past the outbox. Raises: ConfigError for an unknown one, StoreError."""
    known = [one.name for one in await channels(store)]
    for name in names:
        if name not in known:
            raise ConfigError("NAME", f"there is no channel {name!r}", ", ".join(known) or "none was added yet")
    outcomes = await send_to(store, places, message, list(names))
    return SentList(
        sent=[
            SentReport(channel=name, sent=int(why is None), failed=int(why is not None), reason=why or "")
            for name, why in outcomes.items()
        ]
    )
