"""The automations Nija wants on a Prefect server, and how they get there: `nija automations sync`.

They see what no run of ours can see: a run whose process is gone, and a watch that does not run at all. What they find
becomes an alert by `flows.report_trouble`. They are told apart by name; what somebody else made is left alone.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from pydantic import BaseModel

from flows.report_trouble import Trouble
from models.errors import ConfigError

OURS = "nija: "
REPORTER = "report_trouble/on-trouble"
BEATS_MISSED = 3
# Prefect counts the end of a run up to 15 minutes late where it was scheduled within five minutes of its start, as it
# waits for an event that the end is said to follow. A shorter span would tell of a watch that runs.
WATCH_MISSED = timedelta(minutes=20)
# Prefect names the event after the state's name: a run that came too late ends as "Skipped".
ENDS = frozenset(
    f"prefect.flow-run.{end}" for end in ("Completed", "Skipped", "Failed", "Cancelled", "Cancelling", "Crashed")
)
BAD_ENDS = frozenset({"prefect.flow-run.Failed", "prefect.flow-run.Crashed"})
BEAT = "prefect.flow-run.heartbeat"
DONE = "prefect.flow-run.Completed"
_RUNS = ResourceSpecification(root={"prefect.resource.id": "prefect.flow-run.*"})
_OF_OURS = ResourceSpecification(root={"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.nija"})
_SLOWEST_BEAT = timedelta(seconds=180)


class Change(StrEnum):
    """What a synchronisation did to an automation."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


class SyncedAutomation(BaseModel):
    """One automation after a synchronisation; `enabled` is the server's own: who switched it off keeps it off."""

    name: str
    change: Change
    enabled: bool
    description: str


class SyncReport(BaseModel):
    """All of them, in the order in which they are declared; what was removed comes last."""

    automations: list[SyncedAutomation]


def declared(reporter: UUID) -> tuple[AutomationCore, ...]:
    """Return the automations as they should be; `reporter`: the deployment that raises their alerts."""
    beat = get_current_settings().flows.heartbeat_frequency
    silence = BEATS_MISSED * (_SLOWEST_BEAT if beat is None else timedelta(seconds=beat))
    return (
        AutomationCore(
            name=f"{OURS}a run ended badly",
            description="A run that failed or crashed becomes an alert, whatever it was able to say itself.",
            trigger=EventTrigger(
                expect=set(BAD_ENDS), match=_RUNS, match_related=_OF_OURS, posture=Posture.Reactive, threshold=1
            ),
            actions=[
                _report(
                    reporter,
                    "ended badly",
                    pipeline=_filled("{{ flow.name }}"),
                    run=_filled("{{ flow_run.name }}"),
                    event=_filled("{{ event.event }}"),
                )
            ],
        ),
        AutomationCore(
            name=f"{OURS}a run is silent",
            description=f"A run that gives no sign of life for {silence} is marked as crashed: its process is gone.",
            trigger=EventTrigger(
                after={BEAT},
                expect={BEAT, *ENDS},
                match=_RUNS,
                match_related=_OF_OURS,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=silence,
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message=f"no sign of life for {silence}")],
        ),
        AutomationCore(
            name=f"{OURS}the watch is silent",
            description="Where the watch has run once and then does not end well for 20 minutes, somebody must know.",
            trigger=_missing("watch", WATCH_MISSED),
            actions=[_report(reporter, "watch silent", pipeline="watch")],
        ),
        AutomationCore(
            name=f"{OURS}nothing was verified",
            description="Where the verification ran once and is then not done for eight days, somebody must know.",
            trigger=_missing("verify_weekly", timedelta(days=8)),
            actions=[_report(reporter, "not verified", pipeline="verify_weekly")],
        ),
    )


async def sync_automations(client: PrefectClient) -> SyncReport:
    """Create what is missing, correct what differs, remove what is no longer declared.

    Who switched one off keeps it off. Raises: ConfigError where the deployment that they start is not there.
    """
    try:
        reporter = await client.read_deployment_by_name(REPORTER)
    except ObjectNotFound:
        wanted = "prefect --no-prompt deploy --all"
        raise ConfigError(REPORTER, "is not deployed on this Prefect server", wanted) from None
    there = {a.name: a for a in await client.read_automations() if a.name.startswith(OURS)}
    synced = [await _synced(client, there.pop(wanted.name, None), wanted) for wanted in declared(reporter.id)]
    for name, old in there.items():
        await client.delete_automation(old.id)
        synced.append(SyncedAutomation(name=name, change=Change.REMOVED, enabled=False, description=old.description))
    return SyncReport(automations=synced)


async def _synced(client: PrefectClient, old: Automation | None, wanted: AutomationCore) -> SyncedAutomation:
    if old is None:
        await client.create_automation(wanted)
        change, enabled = Change.CREATED, True
    else:
        enabled, wanted = old.enabled, wanted.model_copy(update={"enabled": old.enabled})
        change = Change.UNCHANGED if _same(old, wanted) else Change.UPDATED
        if change is Change.UPDATED:
            await client.update_automation(
                old.id, AutomationCore.model_validate(wanted.model_dump(exclude={"owner_resource"}))
            )
    return SyncedAutomation(name=wanted.name, change=change, enabled=enabled, description=wanted.description)


def _same(old: Automation, wanted: AutomationCore) -> bool:
    """Whether the server has it as it should be; it adds ids of its own."""
    parts = {"name", "description", "actions", "trigger"}
    here, there = (_plain(one.model_dump(mode="json", include=parts)) for one in (old, wanted))
    return bool(here == there)


def _plain(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _plain(value) for name, value in part.items() if name != "id"}
    if isinstance(part, list):
        plain = [_plain(value) for value in part]
        return sorted(plain) if all(isinstance(value, str) for value in plain) else plain
    return part


def _missing(flow: str, within: timedelta) -> EventTrigger:
    return EventTrigger(
        after={DONE},
        expect={DONE},
        match=_RUNS,
        match_related=ResourceSpecification(root={"prefect.resource.role": "flow", "prefect.resource.name": flow}),
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )


def _report(reporter: UUID, what: Trouble, **told: Any) -> RunDeployment:
    request = {"what": what, **told}
    return RunDeployment(source="selected", deployment_id=reporter, parameters={"request": request})


def _filled(template: str) -> dict[str, str]:
    return {"__prefect_kind": "jinja", "template": template}
