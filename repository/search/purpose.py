"""Why a search is made, and what its user affirms. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from repository.ledger.entry import JSON
from repository.search.errors import SearchRefusedError

AFFIRMATION = (
    "This search does not aim at anyone for their religion, politics, views, lawful association "
    "or any protected characteristic."
)
MAX_FACTS = 4000
MAX_CASE_NUMBER = 64
MAX_COURT_ORDER = 200
MIN_TELLING_WORDS = 4

_WORD = re.compile(r"[^\W\d_]{2,}")
# Words that name a purpose or fill a line and tell nothing about this one search.
_TELL_NOTHING = frozenset(
    """
    a an and any as at be by for from has have he her him his i in is it its me my no not of on or
    our she so that the their them there they this to us was we were will with you your
    asdf blah business case check checking civil concern court criminal crime data department
    enforcement facts info information inquiry investigate investigating investigation
    investigative just law legitimate license licence looking lookup matter need needed none
    official order other personal plate plates police purpose purposes query reason reasons
    request requested required routine run running safety same search searching see stuff
    suspect suspected suspicion suspicious test testing vehicle work wrongdoing various xxx
    """.split()  # noqa: SIM905
)


class PurposeKind(StrEnum):
    """The lawful purposes of a search."""

    SAFETY_CONCERN = "safety_concern"
    WRONGDOING = "wrongdoing"
    CRIMINAL_INVESTIGATION = "criminal_investigation"
    DEPARTMENT_CIVIL_INVESTIGATION = "department_civil_investigation"
    COURT_ORDER = "court_order"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A lawful purpose with the specific facts behind it, or the court order's reference."""

    kind: PurposeKind
    facts: str
    case_number: str
    court_order: str | None

    @classmethod
    def of(
        cls,
        kind: str,
        facts: str,
        case_number: str,
        *,
        affirmed: bool,
        court_order: str | None = None,
    ) -> Purpose:
        """The purpose that was stated.

        Raises:
            SearchRefusedError: naming the field that is missing or says nothing.
        """
        try:
            stated = PurposeKind(kind)
        except ValueError as error:
            expected = ", ".join(PurposeKind)
            raise SearchRefusedError(f"purpose: expected one of {expected}") from error
        reference = " ".join((court_order or "").split())
        if stated is PurposeKind.COURT_ORDER:
            _check_line("court_order", reference, MAX_COURT_ORDER, "the order's court and number")
        elif reference:
            raise SearchRefusedError("court_order: belongs to the purpose court_order alone")
        told = facts.strip()
        if stated is not PurposeKind.COURT_ORDER or told:
            _check_facts(told)
        number = " ".join(case_number.split())
        _check_line("case", number, MAX_CASE_NUMBER, "the number of the case it belongs to")
        if not affirmed:
            raise SearchRefusedError(f"affirm: the search needs your word: {AFFIRMATION}")
        return cls(stated, told, number, reference or None)

    def as_json(self) -> Mapping[str, JSON]:
        """The purpose as the ledger and the case file keep it."""
        return {
            "purpose": self.kind.value,
            "facts": self.facts,
            "case": self.case_number,
            "court_order": self.court_order,
            "affirmed": AFFIRMATION,
        }


def _check_facts(facts: str) -> None:
    if len(facts) > MAX_FACTS:
        raise SearchRefusedError(f"facts: at most {MAX_FACTS} characters")
    if any("\ud800" <= char <= "\udfff" for char in facts):
        raise SearchRefusedError("facts: holds half a character; type it anew")
    telling = {word.lower() for word in _WORD.findall(facts)} - _TELL_NOTHING
    if len(telling) < MIN_TELLING_WORDS:
        raise SearchRefusedError(
            "facts: say in words what is known that makes this search necessary, "
            "such as who saw what, where and when"
        )


def _check_line(field: str, value: str, limit: int, what: str) -> None:
    if not value or not any(char.isalnum() for char in value):
        raise SearchRefusedError(f"{field}: missing; give {what}")
    if len(value) > limit or not value.isprintable():
        raise SearchRefusedError(f"{field}: at most {limit} characters in one line of print")
