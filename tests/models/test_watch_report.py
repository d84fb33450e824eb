"""What a person reads of many alike matters, and what stays as it is."""

from models.alert import OperationalAlert, Severity
from models.watch_report import MatterReport, folded, matter


def unknown(symbol: str, account: str = "alice", words: str = "no fill tells it") -> MatterReport:
    return matter(OperationalAlert("ENTRY_UNKNOWN", words, Severity.WARNING, account, symbol))


def rows(*matters: MatterReport) -> list[tuple[str, str, str]]:
    return [(row.account, row.symbol, row.message) for row in folded(matters)]


def test_alike_matters_of_an_account_are_one_row_with_their_count_and_the_first_of_them() -> None:
    assert rows(*(unknown(f"C{n}/USD") for n in range(40))) == [
        ("alice", "", "40: C0/USD, C1/USD, C2/USD and 37 more. no fill tells it")
    ]
    assert rows(unknown("A/USD"), unknown("B/USD")) == [("alice", "", "2: A/USD, B/USD. no fill tells it")]


def test_where_their_words_differ_it_is_said_whose_they_are() -> None:
    assert rows(unknown("A/USD"), unknown("B/USD", words="a deposit")) == [
        ("alice", "", "2: A/USD, B/USD. A/USD: no fill tells it")
    ]


def test_one_alone_another_account_and_what_is_critical_keep_rows_of_their_own() -> None:
    stops = [
        matter(OperationalAlert("STOP_NOT_EXECUTED", f"{s} hangs", Severity.CRITICAL, "alice", s)) for s in ("A", "B")
    ]

    assert rows(*stops, unknown("A/USD"), unknown("A/USD", "bob"), unknown("B/USD", "bob")) == [
        ("alice", "A", "A hangs"),
        ("alice", "B", "B hangs"),
        ("alice", "A/USD", "no fill tells it"),
        ("bob", "", "2: A/USD, B/USD. no fill tells it"),
    ]
