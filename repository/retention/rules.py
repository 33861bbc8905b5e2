"""A rule of retention: how long reads are kept, and those that matched a hot list."""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.contract.configuration import config_file
from edge.contract.errors import ContractError
from repository.errors import RepositoryError
from repository.retention.terms import Term, TermError

_NAME = re.compile(r"[a-z0-9-]{1,63}")
_TEXTS = ("name", "source", "note")
_TERMS = ("reads", "hits")


class RetentionRuleError(RepositoryError):
    """A rule's file is missing or says something that no rule says."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """A rule, where it comes from, and the SHA-256 of the file that says it.

    ``reads`` is the term of reads that matched no hot list, ``hits`` of those that did and of the
    records of their hits.
    """

    name: str
    source: str
    note: str
    reads: Term
    hits: Term
    sha256: str

    def term(self, *, hit: bool) -> Term:
        """The term of that class."""
        return self.hits if hit else self.reads

    def expires_at(self, captured_at: datetime, *, hit: bool) -> datetime:
        """The first moment at which a read of that moment is no longer kept."""
        return self.term(hit=hit).end(captured_at)

    def expired_before(self, now: datetime, *, hit: bool) -> datetime:
        """The moment of capture that parts, at ``now``, what is expired from what is not.

        Reads captured before it have expired, those captured at it or later have not.
        """
        return self.term(hit=hit).ended_before(now)


def load_rule(path: Path) -> RetentionRule:
    """The rule in that file.

    Raises:
        RetentionRuleError: if it cannot be read or is not a rule; the text names the key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RetentionRuleError(f"retention rule {path}: {error.strerror}") from error
    return _rule(path, content)


@functools.lru_cache(maxsize=128)
def _rule(path: Path, content: bytes) -> RetentionRule:
    try:
        table = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RetentionRuleError(f"retention rule {path}: not TOML: {error}") from error
    known = {*_TEXTS, *_TERMS}
    for key in sorted(table.keys() ^ known):
        what = "is missing" if key in known else "is not a setting of a rule"
        raise RetentionRuleError(f"retention rule {path}: {key}: {what}")
    for key in _TEXTS:
        if not isinstance(table[key], str) or not table[key].strip():
            raise RetentionRuleError(f"retention rule {path}: {key}: needs a text")
    reads, hits = (_term(path, key, table[key]) for key in _TERMS)
    return RetentionRule(
        name=table["name"],
        source=table["source"],
        note=table["note"],
        reads=reads,
        hits=hits,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def shipped_rule(name: str) -> RetentionRule:
    """The rule that ships under that name, as in ``shipped_rule("massachusetts")``.

    Raises:
        RetentionRuleError: if none does.
    """
    try:
        if not _NAME.fullmatch(name):
            raise ContractError("no such name")
        return load_rule(config_file(f"retention/{name}.toml"))
    except ContractError as error:
        raise RetentionRuleError(
            f"retention rule {name}: none ships under that name; "
            "`alpr-repository retention rules` lists those that do"
        ) from error


def shipped_names() -> list[str]:
    """The names of all rules that ship, in order."""
    folder = config_file("retention/massachusetts.toml").parent
    return sorted(path.stem for path in folder.glob("*.toml"))


def _term(path: Path, key: str, value: Any) -> Term:
    if not isinstance(value, dict) or len(value) != 1:
        raise RetentionRuleError(
            f"retention rule {path}: {key}: needs one term, such as {key} = {{ days = 21 }}"
        )
    ((unit, count),) = value.items()
    try:
        return Term(count, unit)
    except TermError as error:
        raise RetentionRuleError(f"retention rule {path}: {key}.{error}") from error
