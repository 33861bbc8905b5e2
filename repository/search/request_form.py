"""The form of a request by somebody without access, as it was typed and as it is checked. Pure.

Requests are taken from criminal-justice agencies alone (policy F-commercial): an agency that takes
part, or one with an ORI, which the FBI assigns to no private party.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from repository.ledger.entry import JSON, as_typed
from repository.search.errors import SearchRefusedError
from repository.search.facts import MAX_FACTS, check_words
from repository.search.purpose import MAX_OFFENCE, case_number_of, check_line

AskerKind = Literal["own", "contributing", "non_contributing"]
CRIMINAL_JUSTICE = "criminal_justice"
_MAX_NAME = 200
_MAX_CHARACTERISTICS = 1000
_PHONE = re.compile(r"\+?[0-9(][0-9()./ -]{5,37}[0-9](?: ?(?:x|ext\.?) ?[0-9]{1,6})?")
_EMAIL = re.compile(r"[^\s@]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
_ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """The form as it was typed.

    ``agency`` is the short name of one that takes part, or the title of another; ``sector`` says
    what it is: ``criminal_justice`` or anything else. ``source`` is where the asker has the plate
    or description from, ``offence`` the suspected crime, and ``characteristics`` what is searched
    for.
    """

    agency: str
    sector: str
    name: str
    position: str
    phone: str
    email: str
    case_number: str
    reason: str
    offence: str
    characteristics: str
    source: str
    ori: str | None = None

    def as_typed(self) -> Mapping[str, JSON]:
        """The form as the ledger keeps one that is refused."""
        return {
            "typed": {
                key: as_typed(str(value))
                for key, value in asdict(self).items()
                if value is not None
            }
        }


def check(form: RequestForm) -> RequestForm:
    """The form with each field in one spelling.

    Raises:
        SearchRefusedError: naming the field that is missing or wrong, or if a private party asks.
    """
    if form.sector != CRIMINAL_JUSTICE:
        raise SearchRefusedError(
            "sector: searches are made for criminal-justice agencies alone; nothing is sold, "
            "exchanged or disclosed to private parties unless the law requires it"
        )
    lines = {
        "agency": (_MAX_NAME, "the agency that asks"),
        "name": (_MAX_NAME, "the full name of who asks"),
        "position": (_MAX_NAME, "their rank or position"),
        "offence": (MAX_OFFENCE, "the suspected crime, or what else it is about"),
    }
    clean: dict[str, str] = {}
    for field, (limit, what) in lines.items():
        clean[field] = " ".join(str(getattr(form, field)).split())
        check_line(field, clean[field], limit, what)
    phone, email = form.phone.strip(), form.email.strip()
    if not _PHONE.fullmatch(phone):
        raise SearchRefusedError("phone: expected a number at which who asks is called back")
    if len(email) > 254 or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise SearchRefusedError("email: expected the official address of who asks")
    reason = form.reason.strip()
    check_words("reason", reason, "why who asks needs the search")
    for field, limit in (("characteristics", _MAX_CHARACTERISTICS), ("source", MAX_FACTS)):
        told = str(getattr(form, field)).strip()
        if not any(char.isalnum() for char in told) or len(told) > limit or not _is_text(told):
            raise SearchRefusedError(f"{field}: expected 1 to {limit} characters of text")
        clean[field] = told
    ori = (form.ori or "").strip().upper() or None
    if ori is not None and not _ORI.fullmatch(ori):
        raise SearchRefusedError("ori: expected nine letters and digits, two letters first")
    return RequestForm(
        **clean,
        sector=form.sector,
        phone=phone,
        email=email,
        case_number=case_number_of("case", form.case_number),
        reason=reason,
        ori=ori,
    )


def kind_of(form: RequestForm, own_agency: str, *, takes_part: bool) -> AskerKind:
    """Whose people ask.

    Raises:
        SearchRefusedError: if the agency takes no part and has no ORI.
    """
    if form.agency == own_agency:
        return "own"
    if takes_part:
        return "contributing"
    if form.ori is None:
        raise SearchRefusedError(
            "ori: missing; an agency that takes no part is known as one of criminal justice by "
            "its ORI"
        )
    return "non_contributing"


def check_text(field: str, typed: str, limit: int = MAX_FACTS) -> str:
    """Words that a person gives for a decision, without blanks around.

    Raises:
        SearchRefusedError: if there are none, too many, or no text.
    """
    told = typed.strip()
    if not any(char.isalnum() for char in told) or len(told) > limit or not _is_text(told):
        raise SearchRefusedError(f"{field}: expected 1 to {limit} characters of text")
    return told


def _is_text(told: str) -> bool:
    return "\0" not in told and not any("\ud800" <= char <= "\udfff" for char in told)
