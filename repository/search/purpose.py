"""Why a search is made, a hold placed or a look taken, and what its user affirms. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from repository.ledger.entry import JSON
from repository.search.errors import SearchRefusedError
from repository.search.facts import check_words

Act: TypeAlias = Literal["search", "hold", "look"]
"""What is stated and affirmed: a search, a hold on reads, or a look at some that are known."""
MAX_CASE_NUMBER = 64
MAX_COURT_ORDER = 200
MAX_OFFENCE = 200
# What people write where a number is asked for and they have none.
_NO_NUMBER = re.compile(
    r"[\W0_]*|n\W?a\W?|none|no|nil|null|not known|unknown|test\w*|tba|tbd|case|x+", re.IGNORECASE
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
    """A lawful purpose with the specific facts behind it, or the court order's reference.

    ``offence`` is the suspected crime, where one is; ``act`` is what it is the purpose of.
    """

    kind: PurposeKind
    facts: str
    case_number: str
    court_order: str | None
    offence: str | None = None
    act: Act = "search"

    @classmethod
    def of(
        cls,
        kind: str,
        facts: str,
        case_number: str,
        *,
        affirmed: bool,
        court_order: str | None = None,
        offence: str | None = None,
        act: Act = "search",
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
            check_line("court_order", reference, MAX_COURT_ORDER, "the order's court and number")
        elif reference:
            raise SearchRefusedError("court_order: belongs to the purpose court_order alone")
        told = facts.strip()
        if stated is not PurposeKind.COURT_ORDER or told:
            known = f"what is known that makes this {act} necessary"
            check_words("facts", told, f"{known}, such as who saw what, where and when")
        number = case_number_of("case", case_number)
        suspected = " ".join((offence or "").split())
        if suspected:
            check_line("offence", suspected, MAX_OFFENCE, "the suspected crime")
        if not affirmed:
            raise SearchRefusedError(f"affirm: the {act} needs your word: {affirmation(act)}")
        return cls(stated, told, number, reference or None, suspected or None, act)

    def as_json(self) -> Mapping[str, JSON]:
        """The purpose as the ledger and the case file keep it."""
        return {
            "purpose": self.kind.value,
            "facts": self.facts,
            "case": self.case_number,
            "court_order": self.court_order,
            "offence": self.offence,
            "affirmed": affirmation(self.act),
        }


def affirmation(act: Act) -> str:
    """What the person who does it gives their word for."""
    return (
        f"This {act} does not aim at anyone for their religion, politics, views, lawful "
        "association or any protected characteristic."
    )


AFFIRMATION = affirmation("search")


def case_number_of(field: str, typed: str) -> str:
    """The number of a case or incident, in one spelling.

    Raises:
        SearchRefusedError: if it is none.
    """
    number = " ".join(typed.split())
    what = "the number of the case or incident it belongs to"
    check_line(field, number, MAX_CASE_NUMBER, what)
    if _NO_NUMBER.fullmatch(number):
        raise SearchRefusedError(f"{field}: {number!r} is no number of a case; give {what}")
    return number


def check_line(field: str, value: str, limit: int, what: str) -> None:
    """See that the field holds a line of print.

    Raises:
        SearchRefusedError: if it is empty, too long, or holds what cannot be printed.
    """
    if not value or not any(char.isalnum() for char in value):
        raise SearchRefusedError(f"{field}: missing; give {what}")
    if len(value) > limit or not value.isprintable():
        raise SearchRefusedError(f"{field}: at most {limit} characters in one line of print")
