"""What is asked for, as typed and as checked: one shape for searches and questions of association.

An approval is for one question. What makes two questions the same is here: the criteria, without
the page, and the purpose with its facts and case. Their digest stands for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import rfc8785

from repository.ledger.entry import JSON, as_typed
from repository.search.criteria import DEFAULT_RESULTS, Criteria, parse_moment
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.facts import ENOUGH_IN_EMERGENCY, check_words
from repository.search.pattern import PlatePattern
from repository.search.place import Circle, Place, Polygon
from repository.search.purpose import Purpose
from repository.search.together import TogetherCriteria

Kind = Literal["search", "together"]
MAX_NUMBER = 2**31 - 1
_PAGE = ("limit", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why something is asked for, as it was typed.

    ``offence`` is the suspected crime, ``emergency`` the factual basis of a search that cannot wait
    for its approval, and ``on_request`` the number of the request of somebody without access that
    it is made for.
    """

    purpose: str
    facts: str
    case_number: str
    affirmed: bool
    court_order: str | None = None
    offence: str | None = None
    emergency: str | None = None
    on_request: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest(Why):
    """A search as it was typed, nothing of it checked; times are ISO 8601 with their offset.

    ``near`` is a point such as "42.5195,-70.8967" and ``within`` a polygon of such points;
    ``after`` is the ``next`` of the page before.
    """

    plate: str | None = None
    folded: bool = False
    second_guesses: bool = False
    start: str | None = None
    end: str | None = None
    near: str | None = None
    radius_m: float | None = None
    within: Sequence[str] | None = None
    state: str | None = None
    agency: str | None = None
    unit: str | None = None
    camera: str | None = None
    hits_only: bool = False
    limit: int = DEFAULT_RESULTS
    after: str | None = None
    state_or_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherRequest(Why):
    """A question which plates were seen with one, as it was typed."""

    plate: str
    start: str
    end: str
    distance_m: float = 200.0
    within_s: float = 60.0
    times: int = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, checked: the criteria of either kind, why, and how urgent it is."""

    criteria: Criteria | TogetherCriteria
    purpose: Purpose
    emergency: str | None
    on_request: int | None

    @classmethod
    def of(cls, typed: SearchRequest | TogetherRequest) -> Asked:
        """What was typed.

        Raises:
            SearchRefusedError: naming the field that is wrong or missing.
        """
        criteria = _criteria(typed) if isinstance(typed, SearchRequest) else _together(typed)
        purpose = Purpose.of(
            typed.purpose,
            typed.facts,
            typed.case_number,
            affirmed=typed.affirmed,
            court_order=typed.court_order,
            offence=typed.offence,
        )
        emergency = (typed.emergency or "").strip()
        if emergency:
            what = "why it cannot wait for an approval: who is in danger, or what would be lost"
            check_words("emergency", emergency, what, needed=ENOUGH_IN_EMERGENCY)
        if typed.on_request is not None and not 1 <= typed.on_request <= MAX_NUMBER:
            raise SearchRefusedError("request: expected the number of a request")
        return cls(criteria, purpose, emergency or None, typed.on_request)

    @property
    def search(self) -> Criteria:
        """The criteria of a search.

        Raises:
            TypeError: if it is none.
        """
        if not isinstance(self.criteria, Criteria):
            raise TypeError("this is a question of association")
        return self.criteria

    @property
    def association(self) -> TogetherCriteria:
        """The criteria of a question of association.

        Raises:
            TypeError: if it is none.
        """
        if not isinstance(self.criteria, TogetherCriteria):
            raise TypeError("this is a search")
        return self.criteria

    @property
    def kind(self) -> Kind:
        """Which of the two it is."""
        return "search" if isinstance(self.criteria, Criteria) else "together"

    @property
    def first_page(self) -> bool:
        """Whether it begins anew, and does not go on where a page ended."""
        return not isinstance(self.criteria, Criteria) or self.criteria.after is None

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of what makes it this question and no other."""
        same = {
            "kind": self.kind,
            "criteria": {
                key: each for key, each in self.criteria.as_json().items() if key not in _PAGE
            },
            "purpose": dict(self.purpose.as_json()),
            "request": self.on_request,
        }
        return hashlib.sha256(rfc8785.dumps(same)).hexdigest()

    def as_json(self) -> dict[str, JSON]:
        """As the ledger and the case file keep it."""
        kept: dict[str, JSON] = {
            "criteria": self.criteria.as_json(),
            "purpose": self.purpose.as_json(),
        }
        if self.kind == "together":
            kept["kind"] = self.kind
        if self.emergency is not None:
            kept["emergency"] = self.emergency
        if self.on_request is not None:
            kept["request"] = self.on_request
        return kept


def as_asked(typed: SearchRequest | TogetherRequest) -> Mapping[str, JSON]:
    """A request that may be refused, as the ledger keeps it: each field cut where too long."""
    values: dict[str, object] = {each.name: getattr(typed, each.name) for each in fields(typed)}
    if isinstance(typed, SearchRequest) and typed.within is not None:
        values["within"] = " ".join(typed.within)
    return {
        "typed": {
            _NAMES.get(key, key): as_typed(str(value))
            for key, value in values.items()
            if value is not None
        }
    }


_NAMES = {"start": "from", "end": "to", "case_number": "case", "on_request": "request"}


def recorded_criteria(kept: Mapping[str, Any]) -> Criteria | None:
    """The criteria of a search as the ledger keeps them; None if they would be refused today."""
    fields_of = {name: each for each, name in _NAMES.items()}
    typed = {fields_of.get(name, name): each for name, each in kept.items()}
    try:
        return _criteria(
            SearchRequest(purpose="", facts="", case_number="", affirmed=False, **typed)
        )
    except (SearchRefusedError, TypeError):
        return None


def _criteria(typed: SearchRequest) -> Criteria:
    return Criteria.of(
        typed.plate,
        None if typed.start is None else parse_moment("from", typed.start),
        None if typed.end is None else parse_moment("to", typed.end),
        folded=typed.folded,
        place=_place(typed),
        state=typed.state,
        agency=typed.agency,
        unit=typed.unit,
        camera=typed.camera,
        hits_only=typed.hits_only,
        limit=typed.limit,
        after=None if typed.after is None else Cursor.of(typed.after),
        state_or_unknown=typed.state_or_unknown,
        second_guesses=typed.second_guesses,
    )


def _together(typed: TogetherRequest) -> TogetherCriteria:
    return TogetherCriteria.of(
        PlatePattern.of(typed.plate),
        parse_moment("from", typed.start),
        parse_moment("to", typed.end),
        distance_m=typed.distance_m,
        within_s=typed.within_s,
        times=typed.times,
    )


def _place(typed: SearchRequest) -> Place | None:
    if typed.near is not None and typed.within is not None:
        raise SearchRefusedError("within: a search has one place; leave out this or near")
    if typed.within is not None:
        return Polygon.of(typed.within)
    if typed.near is not None:
        return Circle.of(typed.near, typed.radius_m)
    if typed.radius_m is not None:
        raise SearchRefusedError("near: missing; a radius needs its point")
    return None
