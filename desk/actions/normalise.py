"""Normalise an account from the desk: plan, confirm, and have Prefect's deployment apply exactly what was confirmed."""

from functools import partial

from pydantic import BaseModel
from sqlalchemy import Connection

from desk.actions.deeds import given
from desk.desk import Desk
from flows.normalize import FleetRequest, normalize_at
from flows.on_demand import start_on_demand
from models.errors import Changed, NoServer, PlanExpired
from models.people import Permit, Role, Who
from models.report import AccountReport
from models.settings import prefect_api
from models.store.decisions import Decision, record
from models.store.desk_audit import Deed, note, note_alone
from models.store.flow_runs import newest_plan


class RunStarted(BaseModel):
    """A flow run was asked for; `url` leads to it in Prefect's pages."""

    flow_run_id: str
    url: str


async def make_plan(desk: Desk, who: Who, account_id: str) -> AccountReport:
    """Read the account at its venue and plan; nothing is sent. Raises: AccessRefused, NotFound, StoreError."""
    await desk.require(who, Role.OPERATOR, Permit.ACT)
    account = desk.account(account_id).id
    async with desk.venues.use() as runtime:
        report = await normalize_at(runtime, FleetRequest(fleet=str(desk.fleet.path), accounts=[account]))
    desk.measured.forget()
    return report.accounts[0]


async def apply_plan(desk: Desk, who: Who, account_id: str, plan_hash: str, reason: str) -> RunStarted:
    """Have the plan applied that was confirmed; the run refuses any other.

    Raises: AccessRefused, NotFound; Changed for a plan that is not the newest any more, PlanExpired; ConfigError where
    no Prefect server or no deployment is there; StoreError.
    """
    who, why = await desk.require(who, Role.OPERATOR, Permit.ACT), given(reason)
    account, now = desk.account(account_id).id, desk.clock.now()
    newest = await newest_plan(desk.store, account)
    if newest is None or newest[1] != plan_hash:
        raise Changed(f"the plan of {account}", "it was planned anew; look at the new plan")
    plan_id, _, expires_at = newest
    if now > expires_at:
        raise PlanExpired(account, expires_at)
    api = prefect_api(desk.settings.home)
    if api is None:
        raise NoServer
    deed = Deed("account.normalise", f"account {account}", None, {"plan": plan_hash, "plan_id": plan_id}, why)
    decided = Decision(account, f"plan {plan_hash} approved", who.words, why, now)
    request = FleetRequest(
        fleet=str(desk.fleet.path.absolute()), accounts=[account], live=True, approved={account: plan_hash}
    )
    # Asked for before it is decided: a server that is not there, and a deployment that is missing, decide nothing.
    start = await start_on_demand(api, request)
    await desk.store.write(partial(_decide, decided=decided, deed=deed, who=who))
    try:
        started = await start(f"{account}-{plan_id}")
    except NoServer as error:
        await note_alone(
            desk.store, who, Deed("account.normalise.failed", f"account {account}", reason=str(error)), now
        )
        raise
    return RunStarted(flow_run_id=started.flow_run_id, url=started.url)


def _decide(connection: Connection, *, decided: Decision, deed: Deed, who: Who) -> None:
    record(connection, decided)
    note(connection, who, deed, decided.at)
