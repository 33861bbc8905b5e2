"""Errors of audits, and what is typed into them."""

from __future__ import annotations

from repository.errors import RepositoryError

MAX_TEXT = 4000
MAX_LINE = 200


class AuditError(RepositoryError):
    """A report or an audit that cannot be given, or a step of it that cannot be taken."""


class NoSuchAuditError(AuditError):
    """An audit that is not there, or is not for who asks to see."""


def of_another(agency: str | None, own: str) -> AuditError:
    """The refusal of a report of another agency, or of all, to who audits their own alone."""
    if agency is None:
        return AuditError(
            f"agency: missing; name {own}: without one it is of all agencies, which is for who "
            "audits them all"
        )
    return AuditError(f"agency {agency!r}: not known")


def require_text(field: str, typed: str, limit: int = MAX_TEXT) -> str:
    """The text, its ends trimmed.

    Raises:
        AuditError: if it says nothing, is too long, or holds what no database keeps.
    """
    text = typed.strip()
    if not any(char.isalnum() for char in text):
        raise AuditError(f"{field}: missing; say it in words")
    if len(text) > limit:
        raise AuditError(f"{field}: at most {limit} characters")
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text):
        raise AuditError(f"{field}: holds a character that cannot be kept; type it anew")
    return text


def require_line(field: str, typed: str, limit: int = MAX_LINE) -> str:
    """The same in one line of print.

    Raises:
        AuditError: if it is none.
    """
    line = " ".join(require_text(field, typed, limit).split())
    if not line.isprintable():
        raise AuditError(f"{field}: one line of print")
    return line
