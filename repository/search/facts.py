"""Whether what is told of a search says anything about this one search. Pure.

Three rules, each named where it refuses: the words must be there; enough of them must tell
something, beyond words that only name a purpose or fill a line; and they must not be the words of
other cases. What somebody pastes again and again, for one case after another, was written for none
of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from repository.search.errors import SearchRefusedError

MAX_FACTS = 4000
MIN_TELLING_WORDS = 4
ENOUGH_IN_EMERGENCY = 2
"""Fewer, since nobody has time to write then, and a supervisor reviews each."""
_MAX_NAMED = 12
_MAX_NAMED_LENGTH = 20

_WORD = re.compile(r"[^\W\d_]{2,}")
_VOWEL = re.compile(r"[aeiouyàáâäãåæèéêëìíîïòóôöõøùúûüý]")
_PARTS = re.compile(r"[^\W_]+")
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
    urgent urgently very immediate immediately emergency quick quickly asap now wait cannot
    active approved assigned assist assistance authorised authorized believed car consent
    detective discretion duties duty follow followup further general incident intel intelligence
    interest involved lawful lead legal necessary officer ongoing open operational per person
    possible possibly proactive pursuant referred regarding related relevant requesting subject
    supervisor support traffic unit up used using verify verification warranted
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the same person told of an earlier search, and of which case."""

    case_number: str
    facts: str


def check_words(field: str, told: str, what: str, *, needed: int = MIN_TELLING_WORDS) -> None:
    """See that the words of that field say something: ``what`` is to be told there.

    Raises:
        SearchRefusedError: if they are too long, empty or trivial; it says how many telling words
            are needed, and which of the typed ones tell nothing.
    """
    if len(told) > MAX_FACTS:
        raise SearchRefusedError(f"{field}: at most {MAX_FACTS} characters")
    if any("\ud800" <= char <= "\udfff" for char in told) or "\0" in told:
        raise SearchRefusedError(f"{field}: holds what is no character; type it anew")
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(told)))
    telling = [word for word in words if _tells(word)]
    if len(telling) < needed:
        empty = [word[:_MAX_NAMED_LENGTH] for word in words if not _tells(word)]
        lacking = f"; of yours, {', '.join(empty[:_MAX_NAMED])} tell nothing" if empty else ""
        raise SearchRefusedError(
            f"{field}: say in words {what}; at least {needed} different words must tell something "
            f"of this case, and {len(telling)} of yours do{lacking}"
        )


def check_not_pasted(
    told: str,
    case_number: str,
    earlier: Iterable[Earlier],
    *,
    cases: int,
    likeness_percent: float,
    act: str = "search",
) -> None:
    """See that the words are not those of ``cases`` other cases, or nearly so.

    Likeness is RapidFuzz's normalised indel ratio of the words, without regard to capitals and
    marks: a text with only a time or a plate exchanged is still the same text. ``act`` is what the
    words are told of.

    Raises:
        SearchRefusedError: naming the rule and the cases.
    """
    words = _words(told)
    same = {
        each.case_number
        for each in earlier
        if each.case_number != case_number
        and fuzz.ratio(words, _words(each.facts), score_cutoff=likeness_percent)
    }
    if len(same) < cases:
        return
    named = ", ".join(sorted(same)[:3])
    raise SearchRefusedError(
        f"facts: you gave these words, or nearly these, for {len(same)} other cases ({named}) and "
        f"now for case {case_number}; say what is known in this case that makes the {act} "
        "necessary"
    )


def _tells(word: str) -> bool:
    return word not in _TELL_NOTHING and len(set(word)) > 1 and bool(_VOWEL.search(word))


def _words(told: str) -> str:
    return " ".join(_PARTS.findall(told.casefold()))
