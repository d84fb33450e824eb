"""Hold one account's positions and prices to their contracts: every row is accepted, or rejected with all its reasons.

A breach blocks every write for the account. A holding that only lacks a price (none, zero, stale) breaks nothing: it is
unvalued, counted and never sold, and the account goes on.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.config import ValidationDepth, get_config_context
from pandera.errors import SchemaErrors

from models.errors import ConfigError, ContractBroken
from models.market import Price
from models.policy import Policy
from models.position import Snapshot
from validations.frames import CLOCK_SKEW_SECONDS, Breach, PositionFrame, PriceFrame
from validations.rows import Row, number_problems, position_problems, position_row, price_problems, price_row

MAX_PRICE_AGE = timedelta(seconds=Policy().max_price_age_seconds)
LEAVES_UNVALUED = frozenset({Breach.MISSING, Breach.NOT_POSITIVE, Breach.STALE})  # of a price: no breach by itself
UTC = "datetime64[ns, UTC]"
_SEVERAL = 2  # one stale price is that of a market where nothing trades
_TIMES = frozenset({"at", "price_at"})
_NAMES = frozenset({"account", "symbol", "asset"})


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that fails its contract. `blocks`: no write for the account while it does."""

    symbol: str
    reasons: tuple[Breach, ...]
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class FrameBreach:
    """A failure that no row owns: the whole frame is broken."""

    reason: Breach
    detail: str


Judgement = tuple[tuple[str, ...], tuple[Rejected, ...], tuple[FrameBreach, ...]]  # accepted, rejected, breaches


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of every row of one frame, by symbol: accepted + rejected + ignored = read.

    `missing`: needed symbols without a row, which leaves their holdings unvalued. `ignored`: rows nobody needs.
    """

    frame: str
    accepted: tuple[str, ...]
    rejected: tuple[Rejected, ...] = ()
    breaches: tuple[FrameBreach, ...] = ()
    missing: tuple[str, ...] = ()
    ignored: int = 0

    @property
    def ok(self) -> bool:
        """Whether the account may be written to, as far as this frame goes."""
        return not self.breaches and not any(r.blocks for r in self.rejected)

    @property
    def problems(self) -> tuple[str, ...]:
        """What blocks, each as "symbol: reasons" or "frame: reason", for ContractBroken and for reports."""
        of_frame = tuple(f"{self.frame}: {b.reason} ({b.detail})" for b in self.breaches)
        return of_frame + tuple(f"{r.symbol}: {', '.join(r.reasons)}" for r in self.rejected if r.blocks)


@dataclass(frozen=True, slots=True)
class Asked:
    """One account at the gate.

    `prices`: what its positions were valued with, at the instant `now`. `passed`: symbols whose price, as it stands in
    `prices`, was let through before; accounts of one venue share one read.
    """

    snapshot: Snapshot
    prices: Mapping[str, Price]
    known_assets: Collection[str]
    now: datetime
    policy: Policy
    passed: Collection[str] = ()


Answer = tuple[GateResult, GateResult] | ContractBroken  # of positions and of prices; or what broke, in full


def gate_account(
    snapshot: Snapshot,
    prices: Mapping[str, Price],
    *,
    known_assets: Collection[str],
    now: datetime,
    policy: Policy,
) -> tuple[GateResult, GateResult]:
    """Hold one account's positions and the prices they were valued with to their contracts.

    Raises: ConfigError when validation is switched off; ContractBroken names what broke, in full.
    """
    (answer,) = gate_accounts([Asked(snapshot, prices, known_assets, now, policy)])
    if isinstance(answer, ContractBroken):
        raise answer
    return answer


def gate_accounts(asked: Sequence[Asked]) -> list[Answer]:
    """Hold several accounts to their contracts at once: a validation costs the same for a hundred rows as for ten.

    Each is judged as if it were alone. Prices are needed for the positions that have a market.
    Raises: ConfigError when validation is switched off.
    """
    answers: list[Answer] = []
    passed: defaultdict[tuple[int, timedelta], set[str]] = defaultdict(set)  # by the read and what was asked of it
    for one, positions in zip(asked, _gate_positions(asked), strict=True):
        snapshot, max_age = one.snapshot, _max_age(one.policy)
        held = [p.symbol for p in snapshot.positions if p.symbol in snapshot.markets]
        before = passed[id(one.prices), max_age]
        needed = [symbol for symbol in held if symbol not in one.passed and symbol not in before]
        prices = gate_prices(one.prices, needed=needed, now=one.now, max_price_age=max_age)
        before.update(prices.accepted)
        results = positions, _doubt_the_clock(prices, len(held))
        broken = [result for result in results if not result.ok]
        frames = " and ".join(result.frame for result in broken)
        problems = tuple(problem for result in broken for problem in result.problems)
        answers.append(ContractBroken(snapshot.account, frames, problems) if broken else results)
    return answers


def _doubt_the_clock(prices: GateResult, held: int) -> GateResult:
    """Break the frame when every price is stale: then it is a clock or the whole venue, and not these holdings."""
    stale = sum(Breach.STALE in r.reasons for r in prices.rejected)
    if held < _SEVERAL or stale < held:
        return prices
    return replace(
        prices, breaches=(*prices.breaches, FrameBreach(Breach.STALE, f"all {held} prices: check the clock"))
    )


def gate_positions(
    snapshot: Snapshot,
    *,
    known_assets: Collection[str],
    now: datetime,
    policy: Policy,
) -> GateResult:
    """Hold a snapshot to its contract. No positions at all is a flat account here; rules/tracking.py mistrusts it.

    Raises: ConfigError when validation is switched off.
    """
    return _gate_positions([Asked(snapshot, {}, known_assets, now, policy)])[0]


def _gate_positions(asked: Sequence[Asked]) -> list[GateResult]:
    refuse_unless_validating()
    rows: list[list[Row]] = []
    unframed: list[list[Rejected]] = []
    for one in asked:
        known, max_age = frozenset(one.known_assets), _max_age(one.policy)
        sound, odd = [], []
        for position in one.snapshot.positions:
            if problems := tuple(position_problems(position)):
                odd.append(Rejected(str(position.symbol), problems))
            else:
                sound.append(position_row(position, known, one.now, max_age, account=one.snapshot.account))
        rows.append(sound)
        unframed.append(odd)
    return [
        GateResult(
            frame="positions",
            accepted=accepted,
            rejected=(*odd, *rejected),
            breaches=(
                *_snapshot_breaches(one.snapshot, one.now, _max_age(one.policy)),
                *breaches,
                *_lost(len(one.snapshot.positions), len(accepted) + len(odd) + len(rejected)),
            ),
        )
        for one, odd, (accepted, rejected, breaches) in zip(asked, unframed, _judge_apart(rows), strict=True)
    ]


def _judge_apart(parts: list[list[Row]]) -> list[Judgement]:
    """Judge each part as a frame of its own; in one go while nothing is wrong, which is nearly always."""
    if len(parts) > 1:
        whole = [row for part in parts for row in part]
        _, rejected, breaches = _judge(whole, PositionFrame)
        if not rejected and not breaches:
            return [(tuple(row["symbol"] for row in part), (), ()) for part in parts]
    return [_judge(part, PositionFrame) for part in parts]


def gate_prices(
    prices: Mapping[str, Price] | Iterable[tuple[str, Price]],
    *,
    needed: Collection[str],
    now: datetime,
    max_price_age: timedelta = MAX_PRICE_AGE,
) -> GateResult:
    """Hold the prices of the needed symbols to their contract; what nobody needs is counted and left out.

    No price at all while one is needed is a breach: a venue that answers no ticker has not said that nothing has a
    price. A single price that is missing, zero or stale leaves its holding unvalued and blocks nothing.
    Raises: ConfigError when validation is switched off.
    """
    refuse_unless_validating()
    wanted = frozenset(needed)
    given = tuple(prices.items() if isinstance(prices, Mapping) else prices)
    if not given and wanted:
        breach = FrameBreach(Breach.EMPTY, f"no price at all, {len(wanted)} needed")
        return GateResult("prices", accepted=(), breaches=(breach,), missing=tuple(sorted(wanted)))

    asked = [(symbol, price) for symbol, price in given if symbol in wanted]
    copies = Counter(symbol for symbol, _ in asked)
    rows: list[Row] = []
    unframed: list[Rejected] = []
    for symbol, price in asked:
        problems = [*price_problems(price), *([Breach.DUPLICATE] if copies[symbol] > 1 else [])]
        if problems:
            unframed.append(Rejected(symbol, tuple(problems)))
        else:
            rows.append(price_row(symbol, price, now, max_price_age))
    accepted, rejected, breaches = _judge(rows, PriceFrame)
    return GateResult(
        frame="prices",
        accepted=accepted,
        rejected=tuple(
            Rejected(r.symbol, r.reasons, blocks=not LEAVES_UNVALUED.issuperset(r.reasons))
            for r in (*unframed, *rejected)
        ),
        breaches=(*breaches, *_lost(len(asked), len(accepted) + len(unframed) + len(rejected))),
        missing=tuple(sorted(wanted - copies.keys())),
        ignored=len(given) - len(asked),
    )


def failures(
    frame: pd.DataFrame,
    contract: type[pa.DataFrameModel],
) -> tuple[dict[int, tuple[Breach, ...]], tuple[FrameBreach, ...]]:
    """Validate lazily; return the reasons by row position, and the failures that no row owns.

    The index must be the row's position: pandera loses rows of a repeated index.
    """
    if not frame.index.equals(pd.RangeIndex(len(frame))):
        return {}, (FrameBreach(Breach.DUPLICATE, "the index does not number the rows"),)
    try:
        contract.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return {}, ()
    by_row: defaultdict[int, list[Breach]] = defaultdict(list)
    ownerless: list[FrameBreach] = []
    for check, column, case, row in zip(
        cases["check"], cases["column"], cases["failure_case"], cases["index"], strict=True
    ):
        reason = _reason(str(check), str(column))
        if pd.isna(row):
            ownerless.append(FrameBreach(reason, f"{column}: {check}, found {case}"))
        elif reason not in by_row[int(row)]:
            by_row[int(row)].append(reason)
    return {row: tuple(sorted(reasons)) for row, reasons in by_row.items()}, tuple(ownerless)


def _judge(rows: list[Row], contract: type[pa.DataFrameModel]) -> Judgement:
    """Split rows into accepted and rejected; what is accepted has passed the contract as a frame of its own."""
    if not rows:
        return (), (), ()
    frame = _frame(rows)
    by_row, breaches = failures(frame, contract)
    rest = frame.drop(index=list(by_row)).reset_index(drop=True)
    if by_row and len(rest):
        again, still = failures(rest, contract)
        breaches += still
        if again:
            breaches += (FrameBreach(Breach.NOT_CHECKED, f"{len(again)} rows failed only once others were gone"),)
    rejected = tuple(Rejected(rows[row]["symbol"], reasons) for row, reasons in sorted(by_row.items()))
    return tuple(rest["symbol"]), rejected, breaches


def _frame(rows: list[Row]) -> pd.DataFrame:
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    for name in _TIMES & columns.keys():
        columns[name] = pd.DatetimeIndex(columns[name], dtype=UTC)
    return pd.DataFrame(columns)


def _reason(check: str, column: str) -> Breach:
    if check in set(Breach):
        return Breach(check)
    if check == "not_nullable":  # in a column of floats, nothing and nan are the same
        return Breach.MISSING if column in _TIMES | _NAMES else Breach.NOT_FINITE
    return Breach.WRONG_TYPE if check.startswith("dtype") else Breach.NOT_CHECKED


def _snapshot_breaches(snapshot: Snapshot, now: datetime, max_age: timedelta) -> Iterator[FrameBreach]:
    if snapshot.taken_at.utcoffset() is None:
        yield FrameBreach(Breach.NAIVE_TIME, f"read at {snapshot.taken_at}")
    elif now - snapshot.taken_at > max_age:
        yield FrameBreach(Breach.STALE, f"read at {snapshot.taken_at}")
    elif (snapshot.taken_at - now).total_seconds() > CLOCK_SKEW_SECONDS:
        yield FrameBreach(Breach.FUTURE, f"read at {snapshot.taken_at}")
    amounts = {"free cash": snapshot.cash_free, "cash": snapshot.cash_total}
    for name, amount in amounts.items():
        problems = [*number_problems(amount)] or ([Breach.NEGATIVE] if amount < 0 else [])
        yield from (FrameBreach(problem, f"{name} {amount}") for problem in problems)
    if snapshot.reported_equity is not None:
        problems = [*number_problems(snapshot.reported_equity)]
        yield from (FrameBreach(problem, f"reported equity {snapshot.reported_equity}") for problem in problems)


def _lost(read: int, told: int) -> tuple[FrameBreach, ...]:
    return () if read == told else (FrameBreach(Breach.ROWS_LOST, f"{read} read, {told} accepted or rejected"),)


def _max_age(policy: Policy) -> timedelta:
    return timedelta(seconds=policy.max_price_age_seconds)


def refuse_unless_validating() -> None:
    """Refuse to let anything through a gate that pandera's own settings have opened."""
    config = get_config_context()
    if not config.validation_enabled:
        raise ConfigError("PANDERA_VALIDATION_ENABLED", "data validation is switched off", "True")
    if config.validation_depth not in {None, ValidationDepth.SCHEMA_AND_DATA}:
        raise ConfigError("PANDERA_VALIDATION_DEPTH", "part of the validation is switched off", "SCHEMA_AND_DATA")
