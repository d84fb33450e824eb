"""How a normalisation that was started from the desk goes on: Prefect's state, the orders so far, the result."""

from uuid import UUID

from pydantic import BaseModel

from brokers.order_history import OrderFilter, orders_like
from desk.desk import Desk
from flows.on_demand import page_of, state_of
from flows.order_reports import order_report
from models.errors import NoServer, NotFound
from models.order_report import OrderReport
from models.report import AccountReport
from models.settings import prefect_api
from models.store.flow_runs import account_report_of, run_of_flow_run

# What Prefect leaves in the queue, and what it means: somebody has to take it.
_WAITING = frozenset({"SCHEDULED", "PENDING"})
NOBODY_WORKS = "nobody has taken it yet: a worker has to run (nija up, or prefect worker start --pool nija)"


class RunProgress(BaseModel):
    """One flow run and what it did to one account. `report` None: it is not over, or came to none.

    `state`: Prefect's word; `message`: what to know of it.
    """

    flow_run_id: str
    account: str
    state: str
    message: str
    is_over: bool
    url: str
    orders: list[OrderReport]
    report: AccountReport | None


async def progress(desk: Desk, account_id: str, flow_run_id: UUID) -> RunProgress:
    """Say how a flow run goes on. Raises: NotFound, StoreError; NoServer where Prefect does not answer."""
    account, api = desk.account(account_id).id, prefect_api(desk.settings.home)
    if api is None:
        raise NoServer
    state = await state_of(api, flow_run_id)
    if state is None:
        raise NotFound("flow run", str(flow_run_id))
    run_id = await run_of_flow_run(desk.store, str(flow_run_id))
    kept = None if run_id is None else await account_report_of(desk.store, run_id, account)
    orders = await _orders_of(desk, account, run_id)
    return RunProgress(
        flow_run_id=str(flow_run_id),
        account=account,
        state=state.name,
        message=NOBODY_WORKS if state.kind in _WAITING else state.message,
        is_over=state.is_over,
        url=page_of(api, str(flow_run_id)),
        orders=orders,
        report=None if kept is None else AccountReport.model_validate(kept),
    )


async def _orders_of(desk: Desk, account: str, run_id: str | None) -> list[OrderReport]:
    """Return the orders of one run, oldest first."""
    if run_id is None:
        return []
    newest = await orders_like(desk.store, OrderFilter((account,)), limit=200)
    return [order_report(order) for order in reversed(newest) if order.intent.run_id == run_id]
