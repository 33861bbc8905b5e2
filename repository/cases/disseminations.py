"""What was given to somebody outside the agency: the secondary dissemination log (M-V-B2). Pure.

Nothing goes to a private party unless a law requires it, which is then named (F-commercial).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from uuid import UUID

from repository.cases.errors import CaseError
from repository.ledger.entry import JSON

RecipientKind: TypeAlias = Literal[
    "criminal_justice_agency",
    "prosecutor",
    "court",
    "defense_by_discovery",
    "other_government",
    "private_party",
]
KINDS: tuple[RecipientKind, ...] = get_args(RecipientKind)

MAX_LINE = 200
MAX_WORDS = 2000
MAX_READS = 500
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SAYS_NOTHING = re.compile(r"[\W\d_]*|n\W?a|none|no|nothing|unknown|test\w*|x+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who outside the agency is given something, why, and under which authority.

    ``law`` is the provision that requires it, where the recipient is a private party.
    """

    name: str
    organisation: str
    kind: RecipientKind
    why: str
    authority: str
    law: str | None = None

    @classmethod
    def of(
        cls, name: str, organisation: str, kind: str, why: str, authority: str, law: str | None
    ) -> Recipient:
        """The recipient as typed.

        Raises:
            CaseError: naming the field that is missing, or that nothing may be given to them.
        """
        known = next((each for each in KINDS if each == kind), None)
        if known is None:
            raise CaseError(f"kind of recipient: expected one of {', '.join(KINDS)}")
        required = line("law", law) if law else None
        if known == "private_party" and required is None:
            raise CaseError(
                "law: nothing of a search is sold, published or given to a private party unless "
                "the law requires it; name the provision that does"
            )
        return cls(
            line("name", name),
            line("organisation", organisation),
            known,
            words("why", why),
            line("authority", authority),
            required,
        )

    def as_json(self) -> dict[str, JSON]:
        """The recipient as the ledger, the case file and a package keep them."""
        return {
            "name": self.name,
            "organisation": self.organisation,
            "kind": self.kind,
            "why": self.why,
            "authority": self.authority,
            "law": self.law,
        }


@dataclass(frozen=True, slots=True)
class Dissemination:
    """What a recipient is given; ``reads`` are named by id, so that nothing outlives them here."""

    recipient: Recipient
    what: str
    reads: tuple[UUID, ...]

    @classmethod
    def of(cls, recipient: Recipient, what: str, reads: Sequence[str]) -> Dissemination:
        """The dissemination as typed.

        Raises:
            CaseError: if it does not say what was given, or names no reads as it should.
        """
        if len(reads) > MAX_READS:
            raise CaseError(f"reads: at most {MAX_READS} at a time")
        return cls(recipient, words("what", what), tuple(dict.fromkeys(map(read_id, reads))))

    def as_json(self) -> Mapping[str, JSON]:
        """The same for the ledger and the case file."""
        return {
            "given_to": self.recipient.as_json(),
            "what": self.what,
            "reads": [str(each) for each in self.reads],
        }


def read_id(typed: str) -> UUID:
    """The id of a read.

    Raises:
        CaseError: if it is none.
    """
    try:
        found = UUID(typed)
    except ValueError:
        found = None
    if found is None or str(found) != typed or found.version != 7:
        raise CaseError("read: expected a read's id, as a search shows it")
    return found


def line(field: str, typed: str) -> str:
    """A line that says something.

    Raises:
        CaseError: if it does not.
    """
    return _said(field, " ".join(typed.split()), MAX_LINE)


def words(field: str, typed: str) -> str:
    """Words that say something.

    Raises:
        CaseError: if they do not.
    """
    return _said(field, typed.strip(), MAX_WORDS)


def _said(field: str, said: str, limit: int) -> str:
    if not said or _SAYS_NOTHING.fullmatch(said):
        raise CaseError(f"{field}: is missing, or says nothing")
    if len(said) > limit:
        raise CaseError(f"{field}: at most {limit} characters")
    if _UNPRINTABLE.search(said):
        raise CaseError(f"{field}: holds characters that cannot be printed")
    return said
