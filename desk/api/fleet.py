"""The fleet and its accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from desk.actions import normalise, stops
from desk.actions.normalise import RunStarted
from desk.api.export import EXPORT, Export
from desk.api.guard import Operator, TheDesk, Viewer
from desk.api.kinds import AccountPath, Because, Done, Line, Search, SymbolBecause
from desk.api.paging import MOST, Page, Paging
from desk.views import accounts as account_views
from desk.views import fleet as fleet_views
from desk.views.account_listings import ORDERS, POSITIONS
from desk.views.accounts import AccountView, EquityView
from desk.views.fleet import FleetFilter
from desk.views.fleet_listing import ACCOUNTS
from desk.views.measured import Concern, FleetAccount, FleetSummary
from desk.views.runs import RunProgress, progress
from models.order_report import OrderReport
from models.reasons import OrderState
from models.report import AccountReport

router = APIRouter(tags=["fleet"])
WordQuery = Annotated[str | None, Query(max_length=60, pattern=r"^[A-Za-z0-9_-]*$")]


class Confirmed(BaseModel):
    """The plan that a person confirmed: its hash, as the plan says it, and why."""

    plan_hash: Line
    reason: Line


class Lifted(BaseModel):
    """How many halts were lifted."""

    lifted: int


@router.get("/api/fleet")
async def fleet(desk: TheDesk, _: Viewer) -> FleetSummary:
    """Say what holds of the fleet as a whole."""
    return await fleet_views.summary(desk)


def _wanted(
    search: Search = "",
    venue: WordQuery = None,
    status: WordQuery = None,
    concern: Concern | None = None,
    *,
    only_concerns: bool = False,
) -> FleetFilter:
    return FleetFilter(search=search, venue=venue, status=status, concern=concern, only_concerns=only_concerns)


@router.get("/api/accounts")
async def accounts(
    desk: TheDesk, _: Viewer, paging: Paging, wanted: Annotated[FleetFilter, Depends(_wanted)]
) -> Page[FleetAccount]:
    """List the accounts as the store knows them."""
    return paging.of(await fleet_views.accounts(desk, wanted))


@router.get("/api/fleet/export", responses={200: EXPORT}, response_class=Response)
async def export_accounts(
    desk: TheDesk, _: Viewer, how: Export, wanted: Annotated[FleetFilter, Depends(_wanted)]
) -> Response:
    """Return the accounts as CSV."""
    return how.csv(ACCOUNTS, await fleet_views.accounts(desk, wanted))


@router.get("/api/accounts/{account}")
async def account(desk: TheDesk, _: Viewer, account: AccountPath) -> AccountView:
    """Show one account whole."""
    return await account_views.account_view(desk, account)


class OrderQuery(BaseModel):
    """Which orders are asked for."""

    state: OrderState | None = None
    undecided: bool = False


@router.get("/api/accounts/{account}/orders")
async def orders(
    desk: TheDesk, _: Viewer, account: AccountPath, paging: Paging, wanted: Annotated[OrderQuery, Depends()]
) -> Page[OrderReport]:
    """List an account's orders of the ledger, newest first."""
    most = paging.offset + paging.limit
    found = await account_views.account_orders(
        desk, account, state=wanted.state, undecided=wanted.undecided, limit=most
    )
    return paging.cut(found[paging.offset :])


@router.get("/api/accounts/{account}/orders/export", responses={200: EXPORT}, response_class=Response)
async def export_orders(desk: TheDesk, _: Viewer, account: AccountPath, how: Export) -> Response:
    """Return an account's newest 1000 orders as CSV."""
    found = await account_views.account_orders(desk, account, state=None, undecided=False, limit=MOST)
    return how.csv(ORDERS, found)


@router.get("/api/accounts/{account}/positions/export", responses={200: EXPORT}, response_class=Response)
async def export_positions(desk: TheDesk, _: Viewer, account: AccountPath, how: Export) -> Response:
    """Return an account's positions as CSV."""
    return how.csv(POSITIONS, (await account_views.account_view(desk, account)).positions)


@router.get("/api/accounts/{account}/equity")
async def equity(
    desk: TheDesk, _: Viewer, account: AccountPath, days: Annotated[int, Query(ge=1, le=3650)] = 7
) -> list[EquityView]:
    """Say what an account was worth over the last days: 300 points at most."""
    return await account_views.equity(desk, account, days=days)


@router.post("/api/accounts/{account}/plan")
async def plan(desk: TheDesk, who: Operator, account: AccountPath) -> AccountReport:
    """Read the account at its venue and plan. Nothing is sent."""
    return await normalise.make_plan(desk, who, account)


@router.post("/api/accounts/{account}/normalise")
async def apply(desk: TheDesk, who: Operator, account: AccountPath, confirmed: Confirmed) -> RunStarted:
    """Have Prefect apply exactly the plan that was confirmed."""
    return await normalise.apply_plan(desk, who, account, confirmed.plan_hash, confirmed.reason)


@router.get("/api/accounts/{account}/runs/{flow_run}")
async def run(desk: TheDesk, _: Viewer, account: AccountPath, flow_run: UUID) -> RunProgress:
    """Say how a normalisation goes on that was started from the desk."""
    return await progress(desk, account, flow_run)


@router.post("/api/accounts/{account}/resume")
async def resume(desk: TheDesk, who: Operator, account: AccountPath, because: Because) -> Lifted:
    """Lift the account's halts."""
    return Lifted(lifted=await stops.resume(desk, who, account, because.reason))


@router.post("/api/accounts/{account}/freeze")
async def freeze(desk: TheDesk, who: Operator, account: AccountPath, what: SymbolBecause) -> Done:
    """Stop entries into a symbol until a person unfreezes it."""
    await stops.freeze(desk, who, account, what.symbol, what.reason)
    return Done()


@router.post("/api/accounts/{account}/unfreeze")
async def unfreeze(desk: TheDesk, who: Operator, account: AccountPath, what: SymbolBecause) -> Done:
    """End a freeze, whatever its cause."""
    await stops.unfreeze(desk, who, account, what.symbol, what.reason)
    return Done()


@router.post("/api/accounts/{account}/blacklist")
async def mark(desk: TheDesk, who: Operator, account: AccountPath, what: SymbolBecause) -> Done:
    """Put a symbol on the blacklist: it is left where it is."""
    await stops.mark(desk, who, account, what.symbol, what.reason)
    return Done()


@router.post("/api/accounts/{account}/unblacklist")
async def unmark(desk: TheDesk, who: Operator, account: AccountPath, what: SymbolBecause) -> Done:
    """Take a symbol off the blacklist."""
    await stops.unmark(desk, who, account, what.symbol, what.reason)
    return Done()
