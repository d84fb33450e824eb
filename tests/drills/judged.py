"""Judge a cell of the fault matrix by the venue's own record."""

from dataclasses import dataclass, field
from decimal import Decimal

from brokers.simulator.handle import RunningVenue
from models.reasons import AccountStatus
from tasks.runtime import Runtime
from tests.drills.breakage import Breakage
from tests.drills.desk import QUOTES
from tests.drills.matrix import TURNING, Spot
from tests.drills.record import LedgerRow, disagreements, read_ledger, sales, undecided

KEPT = {"KEEP1": "500", "KEEP2": "400"}
OTHERS = {f"OTHER{number}": "10" for number in range(20)}
REST = {TURNING: "60", "DUST": "0.6", "AUT": None}
HOLDS = dict.fromkeys(KEPT | REST, "1.25")
SOLD = frozenset({TURNING, "DUST"})


@dataclass
class Cell:
    """One spot of the matrix, and what came of it."""

    spot: Spot
    venue: RunningVenue
    breakage: Breakage | None = None
    faulty: AccountStatus | None = None
    wrong: list[str] = field(default_factory=list)  # what must never be
    unfinished: list[str] = field(default_factory=list)  # what must be in the end, and is not
    at_first: str = ""  # what it came to when it ran before
    is_done: bool = False  # compliant at once, with all sold that should be: a second run has nothing to do

    @property
    def account(self) -> str:
        """The account that is the cell's own."""
        return self.spot.account

    def __str__(self) -> str:
        return f"{self.spot} ({self.faulty}): {'; '.join(self.wrong + self.unfinished)}"

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.wrong or self.unfinished)


async def judge_after_the_fault(runtime: Runtime, cell: Cell) -> None:
    """Note what the first run sold wrongly, and whether a second has anything to do."""
    cell.wrong += [f"at first: {fault}" for fault in _wrong_sales(cell)]
    if cell.faulty is AccountStatus.COMPLIANT:
        ledger = await _ledger(runtime, cell)
        cell.is_done = not (_left_over(cell, ledger) or disagreements(cell.venue, ledger, cell.account))


async def judge_in_the_end(runtime: Runtime, cell: Cell) -> None:
    """Note what both runs together did wrong, and what they left."""
    ledger = await _ledger(runtime, cell)
    cell.wrong += _wrong_sales(cell) + disagreements(cell.venue, ledger, cell.account)
    cell.unfinished += _left_over(cell, ledger)


async def _ledger(runtime: Runtime, cell: Cell) -> dict[str, LedgerRow]:
    async with runtime.store.reading() as connection:
        return await read_ledger(connection, cell.account)


def _left_over(cell: Cell, ledger: dict[str, LedgerRow]) -> list[str]:
    """Return what should have been sold and was not, and what is still undecided."""
    quote = QUOTES[cell.venue.world.venue]
    sold = sales(cell.venue, cell.account)
    left = [f"{asset} was not sold whole" for asset in SOLD if sold.get(f"{asset}/{quote}") != Decimal(HOLDS[asset])]
    return left + [f"{symbol} has no known end" for symbol in undecided(ledger)]


def _wrong_sales(cell: Cell) -> list[str]:
    """Return what the venue sold that it should not have: another symbol, or more of one than was held."""
    quote = QUOTES[cell.venue.world.venue]
    wrong = []
    for symbol, quantity in sales(cell.venue, cell.account).items():
        asset = symbol.removesuffix(f"/{quote}")
        if asset not in SOLD or quantity > Decimal(HOLDS[asset]):
            wrong.append(f"{quantity} {asset} was sold")
    return wrong
