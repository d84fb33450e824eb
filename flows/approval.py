"""Ask a person before a plan is applied: the run pauses with a form in the Prefect UI, and applies what was seen."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from pydantic import Field, ValidationError

from flows.artifacts import publish_plan
from flows.markdown import markdown_question
from models.reasons import AccountStatus
from models.report import AccountReport, ErrorReport, RunReport, totals_of
from models.settings import load_settings
from models.store.decisions import Decision, record
from models.store.engine import Store

PlanAgain = Callable[[list[str]], Awaitable[RunReport]]  # by account ids
Apply = Callable[[dict[str, str]], Awaitable[RunReport]]  # plan hash by account id

ROUNDS = 3  # an account that never holds still is left to a person with time
# Prefect fails a run whose pause is over: ours ends before, and the run is completed.
_MARGIN = timedelta(minutes=5)
_POLL_SECONDS = 2.0
_WHO = "the Prefect UI"  # Prefect knows no user: whoever could reach it
_REFUSED = frozenset({"PLAN_CHANGED", "PLAN_EXPIRED"})


class Approval(RunInput):
    """What a person answers to a plan. The decision has no default, so nobody confirms by accident."""

    decision: Literal["apply", "reject"] = Field(
        description="apply: send the orders of exactly this plan. reject: send nothing and end the run."
    )
    note: str = Field(default="", max_length=500, description="Why; kept with the decision.")


async def with_approval(chosen: list[str], plan_again: PlanAgain, apply: Apply, *, within: timedelta) -> RunReport:
    """Plan, ask, apply what was approved; ask again, three times at most, about what is refused by then.

    `chosen`: account ids. `within`: how long each question stands; without an answer nothing is sent. A plan is refused
    when it is too old (PLAN_EXPIRED) or the account moved (PLAN_CHANGED). Raises: StoreError, ConfigError.
    """
    shown = await plan_again(chosen)
    whole, found = shown, {a.account: a for a in shown.accounts}
    why: dict[str, str] = {}
    for number in range(1, ROUNDS + 1):
        asked = [a for a in shown.accounts if a.status is AccountStatus.PENDING and a.actions]
        if not asked:
            break
        await publish_plan(shown)
        answer = await _ask(markdown_question(asked, why), key=f"{shown.run_id}-{number}", within=within)
        await _record(asked, answer)
        if answer is None or answer.decision == "reject":
            found |= {a.account: _unanswered(a, within) if answer is None else _rejected(a, answer) for a in asked}
            break
        now = datetime.now(UTC)
        done = {a.account: _expired(a) for a in asked if _is_expired(a, now)}
        if seen := {a.account: a.plan_hash or "" for a in asked if not _is_expired(a, now)}:
            whole = await apply(seen)
            done |= {a.account: a for a in whole.accounts}
        found |= done
        why = {name: code for name, a in done.items() if (code := _refusal(a)) is not None}
        if not why or number == ROUNDS:
            break
        shown = await plan_again(list(why))
        found |= {a.account: a for a in shown.accounts}
    return _together(whole, list(found.values()))


async def _ask(question: str, *, key: str, within: timedelta) -> Approval | None:
    """Pause until a person answers; None: nobody did, or what came was no answer."""
    seconds = within.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            answer: Approval = await apause_flow_run(  # type: ignore[call-overload]  # the interval is slept, whole or not
                wait_for_input=Approval.with_initial_data(description=question),
                timeout=round(seconds + _MARGIN.total_seconds()),
                poll_interval=min(_POLL_SECONDS, seconds / 100),
                key=key,
            )
    except (TimeoutError, ValidationError):  # ValidationError: resumed by something that is no form
        return None
    return answer


async def _record(asked: Sequence[AccountReport], answer: Approval | None) -> None:
    """Keep what was decided, before anything of it is done."""
    if answer is None:
        return
    word = "approved" if answer.decision == "apply" else "rejected"
    made = [
        Decision(a.account, f"plan {a.plan_hash} {word}", _WHO, answer.note.strip() or "no note", datetime.now(UTC))
        for a in asked
    ]
    async with await Store.open(load_settings().store_url) as store:
        await store.write(lambda connection: record(connection, *made))


def _is_expired(account: AccountReport, now: datetime) -> bool:
    return account.plan_expires_at is None or now > account.plan_expires_at


def _expired(account: AccountReport) -> AccountReport:
    at = "" if account.plan_expires_at is None else f" at {account.plan_expires_at:%H:%M:%S} UTC"
    message = f"its plan expired{at}, before it was approved; nothing of it was sent"
    return _told(account, AccountStatus.BLOCKED, "PLAN_EXPIRED", message)


def _rejected(account: AccountReport, answer: Approval) -> AccountReport:
    said = f": {answer.note.strip()}" if answer.note.strip() else ""
    return _told(account, account.status, "PLAN_REJECTED", f"rejected in {_WHO}{said}; nothing was sent")


def _unanswered(account: AccountReport, within: timedelta) -> AccountReport:
    message = f"nobody approved the plan within {within}; nothing was sent"
    return _told(account, account.status, "APPROVAL_TIMEOUT", message)


def _told(account: AccountReport, status: AccountStatus, code: str, message: str) -> AccountReport:
    errors = [*account.errors, ErrorReport(code=code, message=message)]
    return account.model_copy(update={"status": status, "errors": errors})


def _refusal(account: AccountReport) -> str | None:
    """Return why an approved plan was not applied, where it should be asked about again."""
    return next((e.code for e in account.errors if e.code in _REFUSED), None)


def _together(whole: RunReport, accounts: list[AccountReport]) -> RunReport:
    """Return one report of all that was planned and applied; it goes by the last run that could send anything."""
    return whole.model_copy(
        update={"accounts": accounts, "totals": totals_of(accounts), "finished_at": datetime.now(UTC)}
    )
