"""What the exits of a ledger came to: by reason, with what is not known left out and counted."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from models.exits import ExitReason
from models.order import LedgerOrder
from models.reasons import ActionKind, Mode, OrderState
from rules.exit_statistics import ExitRecord, ExitSum, exit_sums
from tests.builders import NOW, Number, a_ledger_order, an_intent


def an_exit(
    symbol: str = "BTC/USD",
    *,
    kind: ActionKind = ActionKind.STOP_LOSS,
    run: str = "run",
    filled: Number = 2,
    at: Number | None = 90,
    fee: Number | None = 1,
    entry: Number | None = 100,
    held_since: datetime | None = NOW - timedelta(hours=3),
) -> ExitRecord:
    intent = replace(an_intent(symbol), kind=kind, run_id=run, mode=Mode.LIVE)
    order: LedgerOrder = a_ledger_order(OrderState.FILLED, intent=intent, filled=filled, average_price=at)
    order = replace(order, fee_quote=None if fee is None else Decimal(fee), updated_at=NOW)
    return ExitRecord(order, None if entry is None else Decimal(entry), held_since)


def test_exits_are_counted_by_reason_with_their_pnl_after_fees_and_their_mean_hold() -> None:
    gain = an_exit("ETH/USD", kind=ActionKind.TAKE_PROFIT, at=110, held_since=NOW - timedelta(hours=5))

    sums = exit_sums([gain, an_exit(), an_exit("SOL/USD", held_since=NOW - timedelta(hours=1))])

    assert sums == (
        ExitSum(ExitReason.STOP_LOSS, Mode.LIVE, "USD", 2, Decimal(-42), 2, 0, 2.0),
        ExitSum(ExitReason.TAKE_PROFIT, Mode.LIVE, "USD", 1, Decimal(19), 1, 0, 5.0),
    )


def test_an_exit_that_took_two_orders_of_one_run_counts_once() -> None:
    (one,) = exit_sums([an_exit(), an_exit(filled=1)])

    assert (one.exits, one.pnl) == (1, Decimal(-32))


def test_what_is_not_known_is_left_out_and_counted() -> None:
    unknown = [an_exit("A/USD", entry=None), an_exit("B/USD", at=None), an_exit("C/USD", fee=None, held_since=None)]

    (one,) = exit_sums(unknown)

    assert (one.exits, one.pnl, one.pnl_known, one.fees_missing) == (3, Decimal(-20), 1, 1)
    assert exit_sums(unknown[:1])[0].pnl is None


def test_what_was_not_filled_is_no_exit_and_currencies_are_not_added_up() -> None:
    sums = exit_sums([an_exit(filled=0), an_exit(), an_exit("BTC/USDT")])

    assert [(s.quote, s.exits) for s in sums] == [("USD", 1), ("USDT", 1)]
