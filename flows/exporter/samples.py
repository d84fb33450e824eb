"""Turn one look at the store into samples. Pure: what was found in, families out."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from flows.exporter.board import Board
from flows.exporter.look import Look
from flows.exporter.table import RUN_SECONDS
from models.alert import Severity
from models.breaker import EVERYBODY, CircuitState
from models.metrics import AccountMetrics
from models.reasons import Freshness, HaltCause, OrderState

T = TypeVar("T")
K = TypeVar("K")

_OUTCOMES = {
    OrderState.FILLED: "filled",
    OrderState.PARTIALLY_FILLED: "partial",
    OrderState.CANCELED: "canceled",
    OrderState.REJECTED: "rejected",
}
_COUNTED = ("low_balance_warnings", "volatility_adjustments", "sized_entries", "fallback_activations")
_WORST_STATE = (CircuitState.CLOSED, CircuitState.HALF_OPEN, CircuitState.OPEN)
# What is leased besides accounts, by how its name begins.
_LEASES = {"the key ": "key", "the flow run ": "flow_run"}


def add_samples(board: Board, look: Look) -> None:
    """Put everything on the board that the store tells."""
    _add_fleet(board, look)
    _add_alerts(board, look)
    _add_leases(board, look)
    simulated = {account.id for account in look.fleet.accounts if account.simulated is not None}
    sent = _grouped(look.view.facts.orders, lambda order: order.account)
    for account in look.status.accounts:
        name = account.account
        is_simulated = "true" if name in simulated else "false"
        labels = {"kind": account.kind, "venue": account.venue, "currency": account.balance.quote}
        board.add("nija_account_info", 1, account=name, **labels, simulated=is_simulated)
        oldest = min((order.since for order in sent.get(name, ())), default=None)
        board.add("nija_account_oldest_undecided_order_timestamp_seconds", oldest, account=name)
        _add_account(board, look, account)
        _add_balance(board, look, account)
    _add_orders(board, look)
    _add_pipelines(board, look)
    _add_breakers(board, look)
    _add_throttles(board, look)


def _add_fleet(board: Board, look: Look) -> None:
    status, counted = look.status, look.past.counted or {}
    board.add("nija_last_verification_timestamp_seconds", status.last_verification_date)
    board.add("nija_verification_pass_ratio", status.verification_pass_rate)
    if status.last_verification_date is not None:
        board.add("nija_verification_failed_checks", len(status.failed_checks))
    board.add("nija_users_active", status.total_users_active)
    board.add("nija_users_at_cap", status.users_at_cap)
    board.add("nija_accounts", len(status.accounts))
    board.add("nija_accounts_never_read", len(status.accounts_never_read))
    if len(status.accounts_never_read) < len(status.accounts):  # nothing was read: their sum is no 0
        board.add("nija_global_positions", status.global_position_count)
    board.add("nija_global_positions_max", status.global_position_max)
    for name in _COUNTED:
        board.add(f"nija_{name}_total", counted.get(name, 0))


def _add_alerts(board: Board, look: Look) -> None:
    for severity in Severity:
        standing = sum(one.alert.severity is severity for one in look.alerts)
        board.add("nija_alerts_standing", standing, severity=severity.value)
    for code, times in _counts(one.alert.code for one in look.alerts):
        board.add("nija_alerts_standing_by_code", times, code=code)


def _add_leases(board: Board, look: Look) -> None:
    for name, leases in (("nija_leases_held", look.held), ("nija_leases_abandoned", look.view.leases)):
        kinds = dict(_counts(_lease_kind(lease) for lease in leases))
        for kind in ("account", *_LEASES.values()):
            board.add(name, kinds.get(kind, 0), kind=kind)


def _add_account(board: Board, look: Look, account: AccountMetrics) -> None:
    name = account.account
    board.add("nija_account_positions", account.positions, account=name)
    board.add("nija_account_positions_max", account.cap, account=name)
    if account.positions is not None:
        board.add("nija_account_unvalued_positions", len(account.unvalued), account=name)
    board.add("nija_account_dust_positions", account.dust, account=name)
    board.add("nija_account_frozen_symbols", len(account.frozen), account=name)
    board.add("nija_account_undecided_orders", account.undecided, account=name)
    causes = {halt.cause for halt in look.view.halts if halt.account == name}
    for cause in HaltCause:
        board.add("nija_account_halted", cause in causes, account=name, cause=cause.value)
    board.add("nija_account_leased", name in look.held, account=name)
    if (compared := look.reconciliations.get(name)) is not None:
        board.add("nija_account_reconciliation_mismatches", len(compared.mismatches), account=name)
        board.add("nija_account_reconciliation_timestamp_seconds", compared.at, account=name)
    board.add("nija_account_plan_timestamp_seconds", (look.past.planned or {}).get(name), account=name)
    board.add("nija_account_last_seen_timestamp_seconds", account.last_seen, account=name)
    if account.last_run is not None and account.status is not None:
        board.add("nija_account_status", 1, account=name, pipeline=account.last_run, status=account.status)


def _add_balance(board: Board, look: Look, account: AccountMetrics) -> None:
    name, quote, kept = account.account, account.balance.quote, look.view.balances[account.account]
    board.add("nija_account_balance_timestamp_seconds", kept.read_at, account=name)
    board.add("nija_account_balance_errors", kept.errors, account=name)
    if account.balance.state is not Freshness.UNKNOWN:
        board.add("nija_account_balance_fresh", account.balance.state is Freshness.FRESH, account=name)
    board.add("nija_account_equity", kept.equity, account=name, currency=quote)
    board.add("nija_account_cash", kept.cash_total, account=name, currency=quote)
    board.add("nija_account_cash_free", kept.cash_free, account=name, currency=quote)


def _add_orders(board: Board, look: Look) -> None:
    """Count what came to an end: what has none yet may still become anything, and a counter never falls."""
    known = {account.id for account in look.fleet.accounts}
    for count in look.past.orders:
        if count.account in known:
            labels = {"account": count.account, "kind": count.kind, "outcome": _OUTCOMES[count.state]}
            board.add("nija_orders_total", count.times, **labels)


def _add_pipelines(board: Board, look: Look) -> None:
    for pipeline in look.status.pipelines:
        name = pipeline.pipeline
        board.add("nija_pipeline_last_seen_timestamp_seconds", pipeline.last_seen, pipeline=name)
        board.add("nija_pipeline_last_ok_timestamp_seconds", pipeline.last_ok, pipeline=name)
        board.add("nija_pipeline_interval_seconds", pipeline.every_seconds, pipeline=name)
        board.add("nija_pipeline_status", 1, pipeline=name, status=pipeline.status)
    unfinished = dict(_counts(run.pipeline for run in look.view.runs))
    for name in {*unfinished, *(pipeline.pipeline for pipeline in look.status.pipelines)}:
        board.add("nija_runs_unfinished", unfinished.get(name, 0), pipeline=name)
    for name, runs in _grouped(look.view.runs, lambda run: run.pipeline).items():
        began = min(run.started_at for run in runs)
        board.add("nija_oldest_unfinished_run_timestamp_seconds", began, pipeline=name)
    for took in look.past.durations:
        board.add_durations(
            "nija_run_duration_seconds",
            RUN_SECONDS,
            took.at_most,
            took.runs,
            took.seconds,
            pipeline=took.pipeline,
            mode=took.mode,
        )


def _add_breakers(board: Board, look: Look) -> None:
    """Tell of the ways that the fleet's accounts go; of several addresses of one venue the worst."""
    going = {(a.venue, whose) for a in look.fleet.accounts for whose in (a.id, EVERYBODY)}
    ways = _grouped(look.view.breakers, lambda b: (b.venue, b.account, b.direction.value))
    for (venue, account, direction), breakers in ways.items():
        if (venue, account) not in going:
            continue
        way = {"venue": venue, "account": account, "direction": direction}
        worst = max((b.circuit_state for b in breakers), key=_WORST_STATE.index)
        for state in CircuitState:
            board.add("nija_breaker_state", state is worst, **way, state=state.value)
        board.add("nija_breaker_calls_total", sum(b.total_calls for b in breakers), **way)
        board.add("nija_breaker_call_failures_total", sum(b.total_failures for b in breakers), **way)


def _add_throttles(board: Board, look: Look) -> None:
    venues = {account.venue for account in look.fleet.accounts}
    for (venue, limit), rows in _grouped(look.throttles, lambda t: (t.venue, t.limit)).items():
        if venue in venues:
            fullest = max(row.used / row.capacity for row in rows)
            board.add("nija_throttle_used_ratio", fullest, venue=venue, limit=limit)
            is_closed = any(row.closed_until is not None for row in rows)
            board.add("nija_throttle_closed", is_closed, venue=venue, limit=limit)


def _lease_kind(name: str) -> str:
    return next((kind for beginning, kind in _LEASES.items() if name.startswith(beginning)), "account")


def _counts(values: Iterable[str]) -> list[tuple[str, int]]:
    return [(value, len(same)) for value, same in sorted(_grouped(values, lambda v: v).items())]


def _grouped(values: Iterable[T], by: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for value in values:
        groups.setdefault(by(value), []).append(value)
    return groups
