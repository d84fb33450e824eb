"""Draw an audit as one HTML page that stands alone: no script, nothing from elsewhere, light or dark as one likes.

Every text of it is escaped: symbols and findings come from outside.
"""

from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.audit import AuditedSeries, AuditReport

_MOST = 20  # findings of one expectation; the report itself keeps all


def audit_page(report: AuditReport) -> str:
    """Return the page; what does not hold comes first."""
    page = Environment(
        loader=PackageLoader("validations.audit", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page.filters.update(minute=_minute, count=_count, percent=_percent, share=_share)
    checks = sorted(report.checks, key=lambda check: check.passed)
    verdict = "passed" if report.passed else "failed"
    return page.get_template("page.html").render(report=report, checks=checks, verdict=verdict, most=_MOST)


def _minute(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _count(number: int) -> str:
    return f"{number:,}"


def _percent(fraction: float) -> str:
    """Write a fraction; what is nearly all is not called all."""
    cut = int(round(fraction * 10_000, 6)) / 100
    return f"{cut:g} %"


def _share(series: AuditedSeries) -> float:
    """Return how much of what should be there is there."""
    return 1 - series.missing / series.expected if series.expected else 0.0
