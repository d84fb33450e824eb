"""Every metric there is: its name, kind, labels and meaning. Names and units are as Prometheus has them.

What is not known is absent, never 0. A label has few values: accounts and venues of the fleet file, words of this
program. https://prometheus.io/docs/practices/naming/
"""

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """What its value may do: rise and fall, only rise, or count by size."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `unit` in words, for people; the name carries it for the machine."""

    name: str
    meaning: str
    unit: str
    labels: tuple[str, ...] = ()
    kind: MetricKind = MetricKind.GAUGE


ACCOUNT = ("account",)
MONEY = ("account", "currency")
BREAKER = ("venue", "account", "direction")
LIMIT = ("venue", "limit")
SINCE_1970 = "seconds since 1970"

# A run takes from a moment (nothing to do) to minutes (orders that settle); a weekly verification the most.
RUN_SECONDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)

_THIS_ENDPOINT = (
    Metric(
        "nija_up", "Whether fleet file and store could be read. At 0 there is nothing else but what stands here.", "1"
    ),
    Metric("nija_fault", "1 for what kept the fleet file or the store from being read, by its code.", "1", ("code",)),
    Metric("nija_build_info", "1 for this program: its version, and the schema it reads.", "1", ("version", "schema")),
    Metric("nija_read_timestamp_seconds", "When the store was read for this answer.", SINCE_1970),
    Metric("nija_scrape_duration_seconds", "How long that reading took.", "seconds"),
)
_FLEET = (
    Metric("nija_last_verification_timestamp_seconds", "When the last verification ended.", SINCE_1970),
    Metric("nija_verification_pass_ratio", "What part of its checks passed, of those that were made.", "ratio"),
    Metric("nija_verification_failed_checks", "How many of them failed.", "checks"),
    Metric("nija_users_active", "Accounts that a pipeline looked at within 24 hours.", "accounts"),
    Metric("nija_users_at_cap", "Accounts that hold as many positions as they may.", "accounts"),
    Metric("nija_accounts", "Accounts of the fleet file.", "accounts"),
    Metric("nija_accounts_never_read", "Those of them whose positions were never read.", "accounts"),
    Metric("nija_global_positions", "Positions of all accounts that were read, added up.", "positions"),
    Metric("nija_global_positions_max", "How many the fleet may hold together.", "positions"),
    Metric(
        "nija_low_balance_warnings_total",
        "Entries asked for with less cash than the policy wants to be warned of.",
        "warnings",
        kind=MetricKind.COUNTER,
    ),
    Metric(
        "nija_volatility_adjustments_total",
        "Entries made smaller for volatility.",
        "entries",
        kind=MetricKind.COUNTER,
    ),
    Metric("nija_sized_entries_total", "Entries whose size was chosen.", "entries", kind=MetricKind.COUNTER),
    Metric(
        "nija_fallback_activations_total",
        "Entries judged on an older balance, because it could not be read.",
        "entries",
        kind=MetricKind.COUNTER,
    ),
    Metric("nija_alerts_standing", "Alerts that are raised and not over.", "alerts", ("severity",)),
    Metric("nija_alerts_standing_by_code", "The same by what they are about.", "alerts", ("code",)),
    Metric("nija_leases_held", "Leases held now: of accounts, keys and flow runs.", "leases", ("kind",)),
    Metric("nija_leases_abandoned", "Leases that ran out without being released: somebody died.", "leases", ("kind",)),
)
_ACCOUNTS = (
    Metric(
        "nija_account_info",
        "1 for each account of the fleet file, with what it is.",
        "1",
        ("account", "kind", "venue", "currency", "simulated"),
    ),
    Metric("nija_account_positions", "Positions that take a slot.", "positions", ACCOUNT),
    Metric("nija_account_positions_max", "How many the policy allows.", "positions", ACCOUNT),
    Metric("nija_account_unvalued_positions", "Holdings without a usable price.", "positions", ACCOUNT),
    Metric("nija_account_dust_positions", "Holdings too small to take a slot.", "positions", ACCOUNT),
    Metric("nija_account_frozen_symbols", "Symbols without entries for now.", "symbols", ACCOUNT),
    Metric("nija_account_undecided_orders", "Orders without a known outcome.", "orders", ACCOUNT),
    Metric(
        "nija_account_oldest_undecided_order_timestamp_seconds",
        "When the oldest of them was sent.",
        SINCE_1970,
        ACCOUNT,
    ),
    Metric("nija_account_halted", "1 while the account is stopped for this cause.", "0 or 1", ("account", "cause")),
    Metric("nija_account_leased", "1 while a run holds the account.", "0 or 1", ACCOUNT),
    Metric("nija_account_reconciliation_mismatches", "What books and venue differ in.", "differences", ACCOUNT),
    Metric("nija_account_reconciliation_timestamp_seconds", "When they were compared last.", SINCE_1970, ACCOUNT),
    Metric("nija_account_plan_timestamp_seconds", "When the account was planned last.", SINCE_1970, ACCOUNT),
    Metric("nija_account_last_seen_timestamp_seconds", "When a pipeline looked at it last.", SINCE_1970, ACCOUNT),
    Metric(
        "nija_account_status",
        "1 for what its last run came to, and which pipeline that was.",
        "1",
        ("account", "pipeline", "status"),
    ),
    Metric("nija_account_balance_timestamp_seconds", "When its balance was read last.", SINCE_1970, ACCOUNT),
    Metric("nija_account_balance_fresh", "1 while that may be relied on, as the policy has it.", "0 or 1", ACCOUNT),
    Metric("nija_account_balance_errors", "Reads of the balance that failed since, in a row.", "reads", ACCOUNT),
    Metric("nija_account_equity", "Cash and everything that could be valued.", "`currency`", MONEY),
    Metric("nija_account_cash", "Cash, what orders hold included.", "`currency`", MONEY),
    Metric("nija_account_cash_free", "Cash that an order may use.", "`currency`", MONEY),
    Metric(
        "nija_orders_total",
        "Orders that came to an end, by what was meant and what came of it.",
        "orders",
        ("account", "kind", "outcome"),
        MetricKind.COUNTER,
    ),
)
_PIPELINES = (
    Metric("nija_pipeline_last_seen_timestamp_seconds", "When the pipeline ran last.", SINCE_1970, ("pipeline",)),
    Metric("nija_pipeline_last_ok_timestamp_seconds", "When it last ran well.", SINCE_1970, ("pipeline",)),
    Metric(
        "nija_pipeline_interval_seconds",
        "How often its schedule starts it; absent where it runs on demand.",
        "seconds",
        ("pipeline",),
    ),
    Metric("nija_pipeline_status", "1 for what its last run came to.", "1", ("pipeline", "status")),
    Metric(
        "nija_oldest_unfinished_run_timestamp_seconds",
        "When the oldest run began that has not ended.",
        SINCE_1970,
        ("pipeline",),
    ),
    Metric("nija_runs_unfinished", "Runs that began and have not ended.", "runs", ("pipeline",)),
    Metric(
        "nija_run_duration_seconds",
        "How long finished runs took. One whose process died ends when somebody noticed.",
        "seconds",
        ("pipeline", "mode"),
        MetricKind.HISTOGRAM,
    ),
)
_VENUES = (
    Metric(
        "nija_breaker_state",
        "1 for how the way to a venue stands: closed, half_open or open; account `*` is what all read together.",
        "0 or 1",
        (*BREAKER, "state"),
    ),
    Metric("nija_breaker_calls_total", "Calls that went that way.", "calls", BREAKER, MetricKind.COUNTER),
    Metric(
        "nija_breaker_call_failures_total",
        "Those of them that failed in transport.",
        "calls",
        BREAKER,
        MetricKind.COUNTER,
    ),
    Metric(
        "nija_throttle_used_ratio", "What part of a venue's limit is used up, the fullest of its keys.", "ratio", LIMIT
    ),
    Metric("nija_throttle_closed", "1 while the venue wants to be left alone.", "0 or 1", LIMIT),
)

METRICS = {one.name: one for one in (*_THIS_ENDPOINT, *_FLEET, *_ACCOUNTS, *_PIPELINES, *_VENUES)}
