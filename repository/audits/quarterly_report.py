"""A quarterly report and its forms: CSV, JSON, and a PDF to print. No such report is public record.

Of a quarter that still runs there is none, only what was documented so far. That says so in every
form, so that it is never taken for the report: in a column of its own before the eight fields, in
the JSON's ``finished`` and ``notice``, and in the paper's title and at the foot of each page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from repository.audits.documented import FIELDS, Register, Reported
from repository.audits.errors import AuditError
from repository.documents import csv

MAX_ON_PAPER = 2_000
SO_FAR = "unfinished_so_far_until"
"""The column that a finished report does not have."""
_NOT_PUBLIC = "Documentation of searches under the law; not a public record."


@dataclass(frozen=True, slots=True)
class Report:
    """The documented searches of a quarter, of one agency or of all.

    ``so_far`` is the moment until which they are all there, where the quarter still runs; None
    where it is over, and this the report.
    """

    register: Register
    quarter: str
    agency: str | None
    rows: tuple[Reported, ...]
    so_far: datetime | None = None

    @property
    def notice(self) -> str:
        """What must be said of it before it is read; nothing of a finished one."""
        if self.so_far is None:
            return ""
        return (
            f"UNFINISHED: {self.quarter} still runs. This is what was documented so far, until "
            f"{self.so_far:%Y-%m-%d %H:%M} UTC, and not the quarterly report."
        )

    def as_csv(self) -> str:
        """For a spreadsheet."""
        if self.so_far is None:
            return csv.render(FIELDS, (each.row() for each in self.rows))
        return csv.render((SO_FAR, *FIELDS), ([self.so_far, *each.row()] for each in self.rows))

    def as_json(self) -> str:
        """As one object; of a finished report ``so_far_until`` and ``notice`` are null."""
        rows = [dict(zip(FIELDS, each.row(), strict=True)) for each in self.rows]
        return json.dumps(
            {
                "register": self.register,
                "quarter": self.quarter,
                "agency": self.agency,
                "finished": self.so_far is None,
                "so_far_until": self.so_far,
                "notice": self.notice or None,
                "searches": rows,
            },
            default=datetime.isoformat,
        )

    def as_paper(self) -> bytes:
        """As a PDF.

        Raises:
            AuditError: if it is longer than paper is good for.
        """
        if len(self.rows) > MAX_ON_PAPER:
            raise AuditError(f"more than {MAX_ON_PAPER} searches: have the report as CSV")
        what = "plates" if self.register == "searches" else "faces, asked of others on paper"
        from repository.documents.pdf import Document  # late: most commands print nothing

        paper = Document(
            f"Documented searches for {what}" + (", so far" if self.so_far else ""),
            f"{self.quarter}; agency: {self.agency or 'all'}; searches: {len(self.rows)}",
            notice=f"{self.notice} {_NOT_PUBLIC}".strip(),
        )
        if self.notice:
            paper.paragraph(self.notice)
        paper.table(_HEADER, [_cells(each) for each in self.rows], _WIDTHS)
        return paper.render()


_HEADER = (
    "request",
    "when",
    "matches",
    "database",
    "requester",
    "reason, suspected crime",
    "entity asked",
    "characteristics",
)
_WIDTHS = (3, 1.5, 1, 1.5, 2, 3, 1.5, 2.5)


def _cells(each: Reported) -> tuple[str, ...]:
    return (
        each.request,
        f"{each.requested_at:%Y-%m-%d %H:%M} UTC",
        "" if each.matches is None else str(each.matches),
        each.database,
        f"{each.requester_name}\n{each.requester_position}\n{each.requester_agency}",
        f"{each.reason}\nsuspected: {each.suspected_crime or 'none named'}",
        each.entity_asked,
        each.characteristics,
    )
