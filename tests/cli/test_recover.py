"""`nija recover`: what an interrupted run left is looked up and closed, and nothing new is sent."""

import re
import signal

import pytest

from brokers.simulator.handle import RunningVenue
from tests.cli.command import Nija, wait_until
from tests.cli.test_normalize import Is, check_fields, is_amount, is_any, is_count, is_instant, is_text, list_of, maybe

pytestmark = pytest.mark.wire

RECOVERY: dict[str, Is] = {
    "run_id": is_text,
    "started_at": is_instant,
    "finished_at": is_instant,
    "accounts": list_of(is_any),
}
ACCOUNT: dict[str, Is] = {
    "account": is_text,
    "undecided": is_count,
    "orders": list_of(is_any),
    "errors": list_of(is_any),
}
ORDER: dict[str, Is] = {
    "client_order_id": is_text,
    "symbol": is_text,
    "quantity": is_amount,
    "state": is_text,
    "outcome": is_text,
    "filled": is_amount,
    "average_price": maybe(is_amount),
}


def test_a_run_stopped_by_ctrl_c_leaves_a_ledger_that_recover_closes(nija: Nija, kraken: RunningVenue) -> None:
    nija.serves(kraken, "platform", max_positions=3)
    kraken.set_faults({"operation": "place", "fault": "hang_after"})  # executed, never answered
    running = nija.start("normalize", "--live", "--yes", "--json")
    wait_until(lambda: kraken.calls("place") == 1)

    running.send(signal.SIGINT)
    stopped = nija.end_of(running)
    kraken.set_faults({"operation": "any", "account": "platform", "fault": "status", "status": 503, "times": None})
    unreadable = nija("recover", "--json")
    kraken.set_faults()
    recovered = nija("recover", "--json")
    again = nija("recover", "--json")

    assert (stopped.code, stopped.out) == (130, "")
    assert re.fullmatch(r"INTERRUPTED stopped; what was sent is in the ledger: nija recover", stopped.complaint)
    assert (unreadable.code, recovered.code, again.code) == (3, 0, 0)
    assert unreadable.account()["undecided"] == 1
    check_fields(recovered.report, RECOVERY)
    account = recovered.account()
    check_fields(account, ACCOUNT)
    for order in account["orders"]:
        check_fields(order, ORDER)
    (sent,) = kraken.orders("platform")
    found = {order["client_order_id"]: order for order in account["orders"]}[sent.client_order_id or ""]
    assert (found["outcome"], found["symbol"], found["quantity"]) == ("filled", sent.symbol, f"{sent.quantity:f}")
    assert again.account() == {"account": "platform", "undecided": 0, "orders": [], "errors": []}
    assert kraken.calls("place") == 1
