"""The words that every user signs, and what counts as their signature. No database here."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from edge.contract.configuration import config_file
from repository.accounts.errors import AccountError
from repository.accounts.password_rule import normalise

SHIPPED = "policy/acknowledgement.toml"

NOTICE = (
    "For official use only. Misuse of this system, its equipment or its data may be subject to "
    "sanctions, disciplinary action and criminal prosecution. Every transaction is recorded."
)
"""Shown at every sign-in (model policy, part A)."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is signed, the terms that it speaks of, and where both come from.

    ``sha256`` is that of the words, an empty line, and the terms, in hexadecimal.
    """

    source: str
    words: str
    terms: str
    sha256: str


def load_words(path: Path | None = None) -> Words:
    """The words in that file, or those that ship.

    Raises:
        AccountError: if the file cannot be read, or is not what its digest says.
    """
    path = path or config_file(SHIPPED)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        words = Words(
            source=str(content["source"]),
            words=str(content["words"]),
            terms=(path.parent / str(content["terms"])).read_text("utf-8"),
            sha256=str(content["sha256"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise AccountError(
            f"acknowledgement {path}: needs source, words, the name of the file of terms, and "
            f"sha256: {error}"
        ) from error
    digest = hashlib.sha256(f"{words.words}\n\n{words.terms}".encode()).hexdigest()
    if digest != words.sha256:
        raise AccountError(
            f"acknowledgement {path}: the words or terms are not those of its sha256; bring the "
            f"files back, or, where they were changed on purpose, write {digest}"
        )
    return words


def check_signature(typed: str, name: str) -> str:
    """The name that was typed to sign, in one line.

    Raises:
        AccountError: if it is not the person's own, of which case and spaces do not count.
    """
    signature = " ".join(normalise(typed).split())
    if signature.casefold() != " ".join(normalise(name).split()).casefold():
        raise AccountError("name: sign with your full name, as it stands in your account")
    return signature
