"""Deliver alerts: fill the outbox, send what is due to each channel, and note what became of it.

What is promised, and what is not, is in docs/decisions/0015-alerts-are-delivered.md.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.channel import Channel, Failure, Message
from models.channel_vault import unseal_address
from models.clock import Clock, SystemClock
from models.errors import ChannelLocked, ConfigError
from models.master_key import MasterKeys, find_master_keys
from models.settings import MasterKeySettings, Settings, master_key_settings
from models.store.channels import channel_tokens, channels
from models.store.deliveries import Claim, claim, mark_failed, mark_sent
from models.store.engine import Store
from models.store.outbox import enqueue
from rules.delivery import GIVEN_UP_AFTER, WORRYING_AFTER, pause_after, quiet_until
from rules.telling import together, told
from tasks.notify import notify

log = logging.getLogger(__name__)

WITHIN = timedelta(seconds=30)
AT_ONCE = timedelta(seconds=3)


@dataclass
class Delivered:
    """What one pass did at one channel, in messages of the outbox; `reason`: why the last attempt failed."""

    channel: str
    sent: int = 0
    failed: int = 0
    given_up: int = 0
    reason: Failure | None = None


async def deliver(
    store: Store,
    places: MasterKeySettings,
    clock: Clock,
    *,
    urgent_only: bool = False,
    within: timedelta = WITHIN,
) -> Sequence[Delivered]:
    """Send what is due, to all channels at once; no message is begun after `within`, and each has its own bound.

    Raises: StoreError.
    """
    known = await channels(store)
    if not known:
        return ()
    await enqueue(store, known, now=clock.now())
    vault = _Vault(places)
    end = clock.elapsed() + within
    passes = [_at_channel(store, vault, clock, channel, end, urgent_only=urgent_only) for channel in known]
    return await asyncio.gather(*passes)


async def send_to(
    store: Store, places: MasterKeySettings, message: Message, names: Sequence[str]
) -> dict[str, Failure | None]:
    """Send a message to channels by name, past the outbox; return why it did not arrive, by channel.

    Raises: StoreError.
    """
    tokens, vault = await channel_tokens(store), _Vault(places)
    sent = await asyncio.gather(*(_send(vault, name, tokens[name], message) for name in names))
    return dict(zip(names, sent, strict=True))


async def tell_at_once(store: Store, settings: Settings, clock: Clock | None = None) -> None:
    """Send what is critical, for a few seconds at most; whatever goes wrong is left to the next delivery."""
    try:
        places = master_key_settings(settings.home)
        await deliver(store, places, clock or SystemClock(), urgent_only=True, within=AT_ONCE)
    except Exception as error:  # noqa: BLE001 - a run has done its work by now, and must not fail for its messages
        log.warning("alerts not delivered", extra={"error": type(error).__name__})


async def _at_channel(
    store: Store, vault: "_Vault", clock: Clock, channel: Channel, end: timedelta, *, urgent_only: bool
) -> Delivered:
    done = Delivered(channel.name)
    while clock.elapsed() < end and done.reason is None:
        now = clock.now()
        claimed = await claim(
            store,
            channel,
            by=uuid.uuid4().hex,
            now=now,
            quiet_until=quiet_until(channel.quiet, now),
            urgent_only=urgent_only,
            choose=together,
        )
        if claimed is None:
            break
        done.reason = await _send(vault, channel.name, claimed.token, told(claimed.deliveries))
        if done.reason is None:
            await mark_sent(store, channel, claimed, now=clock.now())
            done.sent += len(claimed.deliveries)
            continue
        done.failed += len(claimed.deliveries)
        done.given_up += await _note_failure(store, channel, claimed, done.reason, clock.now())
    return done


async def _send(vault: "_Vault", name: str, token: str, message: Message) -> Failure | None:
    try:
        address = unseal_address(await vault.master(), name, token)
    except (ChannelLocked, ConfigError):
        return Failure.ADDRESS_LOCKED
    return await notify(address, message)


async def _note_failure(store: Store, channel: Channel, claimed: Claim, reason: Failure, now: datetime) -> int:
    facts = {"channel": channel.name, "service": channel.service, "reason": reason.value}
    log.warning("alert not delivered", extra=facts | {"messages": len(claimed.deliveries)})
    return await mark_failed(
        store,
        channel,
        claimed,
        reason,
        now=now,
        pause=lambda failures: now + pause_after(failures),
        given_up_from=now - GIVEN_UP_AFTER,
        worrying_from=now - WORRYING_AFTER,
    )


class _Vault:
    """The master key, looked for once in a pass, and only where there is something to send."""

    def __init__(self, places: MasterKeySettings) -> None:
        self._places = places
        self._lock = asyncio.Lock()
        self._master: MasterKeys | None = None

    async def master(self) -> MasterKeys:
        """Return it. Raises: ConfigError."""
        async with self._lock:
            if self._master is None:
                self._master = await asyncio.to_thread(find_master_keys, self._places)
            return self._master
