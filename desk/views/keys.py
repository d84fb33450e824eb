"""The accounts' API keys as cards: whose, at which venue, from where, and how their last test went. Never the keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from brokers.venues import capabilities_of
from desk.desk import Desk
from models.reasons import Check, Verdict
from models.report import CheckReport, ExaminedAccount
from models.settings import master_key_settings
from models.store.desk_audit import AuditEntry, newest_by_subject
from tasks.credentials import KeySource
from tasks.list_keys import KeyLine, list_keys

TESTED = "keys.test"
TOPICS = ("api_keys", "desk_audit", "fleet")


class KeyTest(BaseModel):
    """How a test of keys went. `accepted` None: nobody could ask the venue. `reason`: its words where it said no."""

    at: datetime
    accepted: bool | None
    verdict: Verdict
    reason: str
    permissions: str


class KeyTestReport(KeyTest):
    """The same with every check that was made."""

    account: str
    checks: list[CheckReport]


class KeyCard(BaseModel):
    """One account's keys. `fingerprint` tells keys apart and opens nothing. `test` None: these were never tested."""

    account: str
    venue: str | None
    venue_name: str
    source: KeySource
    stored: bool
    fingerprint: str | None
    added_at: datetime | None
    added_by: str | None
    problem: str | None
    needs_passphrase: bool
    test: KeyTest | None


async def key_cards(desk: Desk) -> list[KeyCard]:
    """Return a card an account, by venue and id, those that left the fleet last. Raises: StoreError."""
    found = await list_keys(desk.store, master_key_settings(desk.settings.home), desk.fleet)
    tests = await newest_by_subject(desk.store, TESTED)
    cards = [_card(line, tests.get(subject_of(line.account))) for line in found.accounts]
    return sorted(cards, key=lambda card: (card.venue is None, card.venue or "", card.account))


def outcome_of(examined: ExaminedAccount, at: datetime) -> KeyTestReport:
    """Read what an examination says of the keys themselves."""
    by_check = {check: [line for line in examined.checks if line.check is check] for check in Check}
    keys, rights = by_check[Check.KEYS], by_check[Check.PERMISSIONS]
    asked = [line for line in keys if line.verdict is not Verdict.SKIPPED]
    accepted = all(line.verdict is not Verdict.FAIL for line in asked) if asked else None
    decisive = [*by_check[Check.CREDENTIALS], *by_check[Check.CONNECTION], *keys, *rights]
    bad = [line for line in decisive if line.verdict is Verdict.FAIL]
    return KeyTestReport(
        account=examined.account,
        at=at,
        accepted=accepted,
        verdict=Verdict.FAIL if bad else Verdict.WARN if _warns(decisive) else Verdict.OK,
        reason="; ".join(_words(line) for line in bad) or "; ".join(line.found for line in keys),
        permissions="; ".join(line.found for line in rights if line.verdict is not Verdict.SKIPPED),
        checks=examined.checks,
    )


def subject_of(account: str) -> str:
    """Return how the audit log names an account's keys."""
    return f"keys {account}"


def _warns(lines: list[CheckReport]) -> bool:
    return any(line.verdict is Verdict.WARN for line in lines)


def _words(line: CheckReport) -> str:
    return f"{line.code}: {line.found}" if line.code else line.found


def _card(line: KeyLine, tested: AuditEntry | None) -> KeyCard:
    capabilities = None if line.venue is None else capabilities_of(line.venue)
    return KeyCard(
        account=line.account,
        venue=line.venue,
        venue_name="" if capabilities is None else capabilities.name,
        source=line.source,
        stored=line.added_at is not None,
        fingerprint=line.fingerprint,
        added_at=line.added_at,
        added_by=line.added_by,
        problem=line.problem,
        needs_passphrase=capabilities is not None and capabilities.needs_passphrase,
        test=None if tested is None else _test(tested.at, tested.after or {}, line.fingerprint),
    )


def _test(at: datetime, kept: Mapping[str, Any], fingerprint: str | None) -> KeyTest | None:
    """Return the last test, where it was one of the keys that are used now."""
    if kept.get("fingerprint") != fingerprint:
        return None
    told = {name: kept.get(name) for name in ("accepted", "verdict", "reason", "permissions")}
    return KeyTest.model_validate({"at": at, **told})
