"""`nija alerts create`: a price, a strategy's confidence or a portfolio's figure, past a threshold."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.alert_words import in_store, known_alert
from cli.by_hand import operator
from cli.console import FleetOption, JsonOption, out, print_json
from cli.fleet_file import load_and_tell
from models.alert import FLEET, Severity
from models.alert_report import user_alert_report
from models.clock import SystemClock
from models.errors import ConfigError
from models.store.user_alerts import create_alert
from models.user_alert import MAX_AGE, AlertKind, Metric, Side

create = typer.Typer(no_args_is_help=True, help="Make an alert. It fires when its condition becomes true, once.")

AboveOption = Annotated[
    str | None, typer.Option("--above", metavar="NUMBER", help="Fires above it; 5% is 0.05.", show_default=False)
]
BelowOption = Annotated[str | None, typer.Option("--below", metavar="NUMBER", help="Fires below it.")]
HysteresisOption = Annotated[
    str,
    typer.Option(
        "--hysteresis", metavar="FRACTION", help="How far back over the threshold before it can fire again, as in 2%."
    ),
]
AgeOption = Annotated[
    float | None,
    typer.Option("--max-age-minutes", min=0.1, metavar="N", help="An older figure says nothing [default: by kind]."),
]
SeverityOption = Annotated[Severity, typer.Option("--severity", help="How much it matters.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Words of your own, told with it.")]
SymbolOption = Annotated[str, typer.Option("--symbol", metavar="BASE/QUOTE", help="The symbol, as in BTC/USD.")]
AccountOption = Annotated[str | None, typer.Option("--account", metavar="ID", help="The account.")]
_METRICS = ", ".join(metric for metric in Metric if metric not in {Metric.PRICE, Metric.CONFIDENCE})


@create.command("price")
def create_price(  # noqa: PLR0917 - Typer reads the options off the signature
    symbol: SymbolOption,
    venue: Annotated[str | None, typer.Option("--venue", metavar="VENUE", help="Where the price is read.")] = None,
    account: AccountOption = None,
    above: AboveOption = None,
    below: BelowOption = None,
    hysteresis: HysteresisOption = "0",
    max_age: AgeOption = None,
    severity: SeverityOption = Severity.WARNING,
    words: NoteOption = "",
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell when a price passes a threshold, at a venue of the fleet or where an account trades.

    Example: nija alerts create price --venue kraken --symbol BTC/USD --above 100000 --hysteresis 1%
    """
    _in_fleet(fleet, account, venue)
    where = {"venue": venue or "", "account": account or FLEET, "symbol": symbol_of(symbol), "metric": Metric.PRICE}
    shared = _shared(AlertKind.PRICE, above, below, hysteresis, max_age)
    return _create({**where, **shared, "severity": severity, "note": words}, as_json=as_json)


@create.command("strategy")
def create_strategy(  # noqa: PLR0917 - likewise
    strategy: Annotated[str, typer.Option("--strategy", metavar="NAME", help="The strategy, as it publishes.")],
    symbol: SymbolOption,
    above: AboveOption = None,
    below: BelowOption = None,
    hysteresis: HysteresisOption = "0",
    max_age: AgeOption = None,
    severity: SeverityOption = Severity.WARNING,
    words: NoteOption = "",
    as_json: JsonOption = False,
) -> int:
    """Tell when a strategy's confidence in a symbol passes a threshold, as `nija alerts signal` publishes it.

    Example: nija alerts create strategy --strategy momentum --symbol BTC/USD --above 0.8
    """
    of_it = {"strategy": strategy.strip(), "symbol": symbol_of(symbol), "metric": Metric.CONFIDENCE}
    shared = _shared(AlertKind.STRATEGY, above, below, hysteresis, max_age)
    return _create({**of_it, **shared, "severity": severity, "note": words}, as_json=as_json)


@create.command("portfolio")
def create_portfolio(  # noqa: PLR0917 - likewise
    metric: Annotated[Metric, typer.Option("--metric", help=f"One of {_METRICS}.")],
    account: AccountOption = None,
    above: AboveOption = None,
    below: BelowOption = None,
    hysteresis: HysteresisOption = "0",
    max_age: AgeOption = None,
    severity: SeverityOption = Severity.WARNING,
    words: NoteOption = "",
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell when a figure of an account, or of the whole fleet, passes a threshold.

    `drawdown` is how much of the equity the day (UTC) began with is gone, a fraction.

    Example: nija alerts create portfolio --metric drawdown --account alice --above 5% --severity critical
    """
    _in_fleet(fleet, account, None)
    shared = _shared(AlertKind.PORTFOLIO, above, below, hysteresis, max_age)
    return _create(
        {"metric": metric, "account": account or FLEET, **shared, "severity": severity, "note": words}, as_json=as_json
    )


def number_of(option: str, text: str) -> Decimal:
    """Read a number; 5% is 0.05. Raises: ConfigError naming the option."""
    from flows.user_alerts import number_of as read  # noqa: PLC0415 - what --help need not pay

    return read(option, text)


def symbol_of(text: str) -> str:
    """Return a symbol that is written as venues are read. Raises: ConfigError."""
    from flows.user_alerts import check_symbol  # noqa: PLC0415 - likewise

    return check_symbol(text)


def _create(fields: dict[str, Any], *, as_json: bool) -> int:
    from flows.user_alerts import alert_of  # noqa: PLC0415 - what --help need not pay

    alert = alert_of(fields, "nija alerts create")
    now = SystemClock().now()
    made = in_store(lambda store: create_alert(store, alert, by=operator(), now=now))
    if as_json:
        print_json(user_alert_report(known_alert(made)))
    else:
        out.print(f"alert {made}: {alert.condition}", markup=False, soft_wrap=True)
    return 0


def _shared(
    kind: AlertKind, above: str | None, below: str | None, hysteresis: str, max_age: float | None
) -> dict[str, Any]:
    if (above is None) is (below is None):
        raise ConfigError("--above, --below", "give one of them", "the threshold, as in --above 100000")
    side, threshold = (Side.ABOVE, above) if above is not None else (Side.BELOW, below)
    return {
        "kind": kind,
        "side": side,
        "threshold": number_of(f"--{side}", threshold or ""),
        "hysteresis_fraction": number_of("--hysteresis", hysteresis),
        "max_age": MAX_AGE[kind] if max_age is None else timedelta(minutes=max_age),
    }


def _in_fleet(path: Path | None, account: str | None, venue: str | None) -> None:
    """Refuse what the fleet does not have: an alert on it would never say a thing. Raises: ConfigError."""
    from flows.user_alerts import check_in_fleet  # noqa: PLC0415 - likewise

    fleet = load_and_tell(path)
    if account is not None:
        fleet.choose([account])
    check_in_fleet(fleet, account, venue)
