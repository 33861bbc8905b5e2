"""What people may do. Pure: one table gives each role its powers, and nothing else gives any.

A person may have several roles, and then has the powers of all. Powers reach no further than the
person's own agency, except those of `REPOSITORY_WIDE` roles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from repository.accounts.errors import AccountError, NotAllowedError


class Role(StrEnum):
    """What a person is to their agency, or to the repository."""

    OFFICER = "officer"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    ALPR_ADMINISTRATOR = "alpr_administrator"
    REPRESENTATIVE = "representative"
    """The agency's CJIS representative, who reviews the list of its users with its head."""
    AGENCY_HEAD = "agency_head"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SECURITY_OFFICER = "security_officer"


class Power(StrEnum):
    """One kind of thing to do."""

    SEARCH = "search"
    SEE_PICTURE = "see_picture"
    ASK_FOR_SEARCH = "ask_for_search"
    APPROVE_SEARCH = "approve_search"
    HANDLE_REQUESTS = "handle_requests"
    REVIEW_MATCH = "review_match"
    SEE_CASES = "see_cases"
    WRITE_CASES = "write_cases"
    DISSEMINATE = "disseminate"
    PACKAGE_EVIDENCE = "package_evidence"
    HOLD = "hold"
    HOLD_BY_PROCESS = "hold_by_process"
    DIRECT_HOLD = "direct_hold"
    RELEASE_HOLD = "release_hold"
    END_OTHERS_HOLD = "end_others_hold"
    SEE_ALERTS = "see_alerts"
    ENTER_HOTLIST = "enter_hotlist"
    CHECK_HOTLIST = "check_hotlist"
    REPORT_ERROR = "report_error"
    CORRECT_READS = "correct_reads"
    MANAGE_USERS = "manage_users"
    CERTIFY_USERS = "certify_users"
    MANAGE_AGENCY = "manage_agency"
    MANAGE_UNITS = "manage_units"
    SEE_TRANSACTIONS = "see_transactions"
    AUDIT_OWN_AGENCY = "audit_own_agency"
    AUDIT_ALL = "audit_all"
    REPORT_MISUSE = "report_misuse"
    KEEP_FACE_REGISTER = "keep_face_register"
    PUBLISH_BULLETINS = "publish_bulletins"
    OPERATE = "operate"


_P = Power
_OFFICER = {
    _P.SEARCH, _P.SEE_PICTURE, _P.ASK_FOR_SEARCH, _P.SEE_CASES, _P.WRITE_CASES, _P.HOLD,
    _P.SEE_ALERTS, _P.ENTER_HOTLIST, _P.REPORT_ERROR, _P.REPORT_MISUSE,
}  # fmt: skip
_INVESTIGATOR = _OFFICER | {
    _P.REVIEW_MATCH, _P.DISSEMINATE, _P.PACKAGE_EVIDENCE, _P.CHECK_HOTLIST, _P.KEEP_FACE_REGISTER,
}  # fmt: skip

POWERS: Mapping[Role, frozenset[Power]] = {
    Role.OFFICER: frozenset(_OFFICER),
    Role.INVESTIGATOR: frozenset(_INVESTIGATOR),
    Role.SUPERVISOR: frozenset(_INVESTIGATOR | {_P.APPROVE_SEARCH, _P.RELEASE_HOLD}),
    Role.ALPR_ADMINISTRATOR: frozenset(
        _INVESTIGATOR
        | {
            _P.HANDLE_REQUESTS, _P.RELEASE_HOLD, _P.CORRECT_READS, _P.MANAGE_USERS,
            _P.MANAGE_AGENCY, _P.MANAGE_UNITS, _P.SEE_TRANSACTIONS, _P.PUBLISH_BULLETINS,
            _P.AUDIT_OWN_AGENCY, _P.HOLD_BY_PROCESS, _P.DIRECT_HOLD, _P.END_OTHERS_HOLD,
        }
    ),
    Role.REPRESENTATIVE: frozenset(
        {_P.CERTIFY_USERS, _P.MANAGE_AGENCY, _P.SEE_TRANSACTIONS, _P.REPORT_MISUSE}
    ),
    Role.AGENCY_HEAD: frozenset(
        {
            _P.APPROVE_SEARCH, _P.SEE_CASES, _P.RELEASE_HOLD, _P.SEE_ALERTS, _P.CERTIFY_USERS,
            _P.MANAGE_AGENCY, _P.SEE_TRANSACTIONS, _P.AUDIT_OWN_AGENCY, _P.REPORT_MISUSE,
            _P.HOLD_BY_PROCESS,
        }
    ),
    Role.AUDITOR: frozenset(
        {_P.SEE_CASES, _P.SEE_TRANSACTIONS, _P.AUDIT_OWN_AGENCY, _P.REPORT_MISUSE}
    ),
    Role.OPERATOR: frozenset(
        {
            _P.MANAGE_USERS, _P.MANAGE_AGENCY, _P.MANAGE_UNITS, _P.PUBLISH_BULLETINS,
            _P.REPORT_MISUSE, _P.OPERATE,
        }
    ),
    Role.SECURITY_OFFICER: frozenset({_P.SEE_TRANSACTIONS, _P.AUDIT_ALL, _P.REPORT_MISUSE}),
}  # fmt: skip
"""Operators keep the repository running and search nothing; who audits all changes nothing."""

REPOSITORY_WIDE = frozenset({Role.OPERATOR, Role.SECURITY_OFFICER})
"""Roles whose powers reach every agency."""

GRANTED_BY: Mapping[Role, frozenset[Role]] = {
    Role.ALPR_ADMINISTRATOR: frozenset(
        {Role.OFFICER, Role.INVESTIGATOR, Role.SUPERVISOR, Role.AUDITOR}
    ),
    Role.OPERATOR: frozenset(
        {
            Role.AGENCY_HEAD, Role.REPRESENTATIVE, Role.ALPR_ADMINISTRATOR,
            Role.OPERATOR, Role.SECURITY_OFFICER,
        }
    ),
}  # fmt: skip
"""Which roles each role may give and take: an ALPR administrator in their own agency alone."""

_WORDS: Mapping[Power, str] = {
    _P.SEARCH: "search",
    _P.SEE_PICTURE: "look at pictures",
    _P.ASK_FOR_SEARCH: "ask for a search",
    _P.APPROVE_SEARCH: "approve searches",
    _P.HANDLE_REQUESTS: "handle requests for searches",
    _P.REVIEW_MATCH: "review matches",
    _P.SEE_CASES: "look into case files",
    _P.WRITE_CASES: "write in case files",
    _P.DISSEMINATE: "give results to others",
    _P.PACKAGE_EVIDENCE: "make evidence packages",
    _P.HOLD: "place holds",
    _P.HOLD_BY_PROCESS: "place holds by legal process",
    _P.DIRECT_HOLD: "keep reads by the ALPR administrator's direction",
    _P.RELEASE_HOLD: "release holds",
    _P.END_OTHERS_HOLD: "end other agencies' holds on your agency's reads",
    _P.SEE_ALERTS: "look at alerts and hot-list entries",
    _P.ENTER_HOTLIST: "enter plates in hot lists",
    _P.CHECK_HOTLIST: "check hot-list entries",
    _P.REPORT_ERROR: "report errors in reads",
    _P.CORRECT_READS: "correct or dispose of reads",
    _P.MANAGE_USERS: "manage users",
    _P.CERTIFY_USERS: "certify the list of users",
    _P.MANAGE_AGENCY: "manage the agency",
    _P.MANAGE_UNITS: "manage units",
    _P.SEE_TRANSACTIONS: "see others' transactions",
    _P.AUDIT_OWN_AGENCY: "audit the agency",
    _P.AUDIT_ALL: "audit all agencies",
    _P.REPORT_MISUSE: "report misuse",
    _P.KEEP_FACE_REGISTER: "keep the register of face searches",
    _P.PUBLISH_BULLETINS: "publish bulletins",
    _P.OPERATE: "operate the repository",
}


class Holder(Protocol):
    """Somebody with roles."""

    @property
    def roles(self) -> frozenset[Role]:
        """Their roles."""
        ...


def powers_of(roles: Iterable[Role]) -> frozenset[Power]:
    """What all these roles together may do."""
    return frozenset().union(*(POWERS[each] for each in roles))


def gives(roles: Iterable[Role], *powers: Power) -> bool:
    """Whether one of the roles gives one of the powers."""
    return not powers_of(roles).isdisjoint(powers)


def may(user: Holder, *powers: Power) -> bool:
    """Whether one of the user's roles gives one of the powers."""
    return gives(user.roles, *powers)


def require(user: Holder, *powers: Power) -> None:
    """Let a user go on who has one of the powers.

    Raises:
        NotAllowedError: if none of the user's roles gives any, naming the roles that would.
    """
    if may(user, *powers):
        return
    givers = [role.value for role in Role if POWERS[role].intersection(powers)]
    what = " or ".join(_WORDS[each] for each in powers)
    raise NotAllowedError(
        f"your roles do not let you {what}: that takes the role {' or '.join(givers)}"
    )


def parse(names: Collection[str]) -> frozenset[Role]:
    """The roles of these names.

    Raises:
        AccountError: if one is the name of none.
    """
    try:
        return frozenset(Role(each) for each in names)
    except ValueError:
        known = ", ".join(each.value for each in Role)
        raise AccountError(f"role: is none of {known}") from None


def as_text(roles: Iterable[Role]) -> str:
    """Roles as the database keeps them: their names in order, joined by commas."""
    return ",".join(sorted(roles))


def from_text(kept: str) -> frozenset[Role]:
    """The roles that `as_text` wrote."""
    return parse(kept.split(",")) if kept else frozenset()
