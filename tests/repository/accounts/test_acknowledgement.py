"""The terms that everybody signs, word for word, and what opens without: nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from edge.contract.configuration import config_file
from repository.accounts import acknowledgement, totp
from repository.accounts.acknowledgement import Words, check_signature, load_words
from repository.accounts.errors import AccountError, AcknowledgementRequiredError
from repository.accounts.service import Accounts
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.store.tables.signing_in import acknowledgement_words
from tests.repository.people import (
    OPERATOR,
    PASSWORD,
    Clock,
    CommandLine,
    open_session,
    recorded,
    sign_in,
)

# The policy's own sentence: "Each Authorized User shall sign an acknowledgement stating, ..."
SENTENCE = (
    "I have received a copy of the terms and conditions of usage of the Central Repository. "
    "I agree to comply with the terms and conditions and I understand that any violation of the "
    "terms and conditions may lead to disciplinary action and/or criminal prosecution."
)


def others(words: str) -> Words:
    """Words that a later version of the policy might have."""
    return Words("Later", words, "Terms\n", hashlib.sha256(words.encode()).hexdigest())


@pytest.mark.policy("C-ack")
def test_the_words_are_the_policys_own() -> None:
    words = load_words()
    assert words.words == SENTENCE
    assert SENTENCE in " ".join(words.terms.split())
    assert "Companion Policy" in words.source


@pytest.mark.parametrize("part", ["words", "terms"])
def test_words_that_were_altered_are_refused(part: str, tmp_path: Path) -> None:
    shipped = config_file(acknowledgement.SHIPPED)
    content, terms = shipped.read_text(), (shipped.parent / "terms.txt").read_text()
    if part == "words":
        content = content.replace("disciplinary action", "nothing at all")
    else:
        terms = terms.replace("one year", "ten years")
    (tmp_path / "own.toml").write_text(content)
    (tmp_path / "terms.txt").write_text(terms)
    with pytest.raises(AccountError, match="not those of its sha256"):
        load_words(tmp_path / "own.toml")


@pytest.mark.parametrize("content", ["", "words = 1", "not TOML", 'terms = "none"'])
def test_a_file_that_is_none_is_said(content: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(content)
    with pytest.raises(AccountError, match="needs source, words"):
        load_words(tmp_path / "own.toml")


@pytest.mark.parametrize("typed", ["jane doe", " Jane  DOE ", "Jane\u00a0Doe"])
def test_a_name_is_the_persons_however_it_is_spaced(typed: str) -> None:
    assert check_signature(typed, "Jane Doe").casefold() == "jane doe"


@pytest.mark.parametrize("typed", ["", "Jane", "John Doe", "Jane Doe Jr.", "\ud800"])
def test_another_name_signs_nothing(typed: str) -> None:
    with pytest.raises(AccountError, match="sign with your full name"):
        check_signature(typed, "Jane Doe")


@pytest.mark.policy("C-ack")
def test_without_a_signature_nothing_opens_and_it_is_kept(
    accounts: Accounts, engine: Engine, clock: Clock
) -> None:
    once = accounts.add("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here")
    accounts.change_password("jdoe", once, PASSWORD, "here")
    with pytest.raises(AcknowledgementRequiredError):
        accounts.sign_in("jdoe", PASSWORD, "here", before=Step.SECOND_FACTOR)
    user = accounts.sign_in("jdoe", PASSWORD, "here", before=Step.ACKNOWLEDGEMENT)
    words = accounts.words()
    for sha256, name, said in (
        (words.sha256, "John Doe", "full name"),
        ("0" * 64, "Jane Doe", "others by now"),
    ):
        with pytest.raises(AccountError, match=said):
            accounts.acknowledge(user, sha256, name, "here")
    assert accounts.own_acknowledgements(user) == []
    accounts.acknowledge(user, words.sha256, "JANE DOE", "10.0.0.7")
    (signed,) = accounts.own_acknowledgements(user)
    assert (signed.name, signed.signed_at, signed.origin) == ("JANE DOE", clock(), "10.0.0.7")
    assert (signed.words, signed.sha256) == (SENTENCE, words.sha256)
    entry = recorded(engine)[-1]
    assert entry["action"] == "accounts.acknowledge"
    assert entry["request"] == {"sha256": words.sha256, "signed": "JANE DOE"}
    with engine.begin() as connection:
        kept = connection.execute(select(acknowledgement_words)).one()
    assert (kept.words, kept.terms) == (words.words, words.terms)


@pytest.mark.policy("C-ack")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_signature_is_good_for_a_year(accounts: Accounts, officer: User, clock: Clock) -> None:
    clock.pass_(days=364, hours=23, minutes=50)
    session = open_session(accounts)
    assert accounts.user_of(session.token, "here") == officer
    clock.pass_(minutes=10)
    with pytest.raises(AcknowledgementRequiredError):
        accounts.user_of(session.token, "here")
    with pytest.raises(AcknowledgementRequiredError):
        sign_in(accounts)
    user = accounts.user_of(open_session(accounts).token, "here", before=Step.ACKNOWLEDGEMENT)
    accounts.acknowledge(user, accounts.words().sha256, user.name, "here")
    assert sign_in(accounts) == officer
    assert len(accounts.own_acknowledgements(user)) == 2


@pytest.mark.policy("C-ack")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_other_words_are_signed_anew_and_the_old_are_kept(
    accounts: Accounts, officer: User
) -> None:
    later = replace(accounts, words=lambda: others("I have read the terms of 2027."))
    with pytest.raises(AcknowledgementRequiredError):
        sign_in(later)
    with pytest.raises(AccountError, match="others by now"):
        later.acknowledge(officer, accounts.words().sha256, officer.name, "here")
    later.acknowledge(officer, later.words().sha256, officer.name, "here")
    assert sign_in(later) == officer
    newest, oldest = later.own_acknowledgements(officer)
    assert (newest.words, oldest.words) == ("I have read the terms of 2027.", SENTENCE)


@pytest.mark.policy("M-A")
@pytest.mark.policy("C-ack")
@pytest.mark.policy("C-3a")
def test_the_first_day_at_the_command_line(command_line: CommandLine) -> None:
    once = command_line.ok(
        *("users", "bootstrap", "jdoe", "--name", "Jane Doe", "--agency", "salem-pd", "--json"),
        *("--role", "officer"),
    ).split('"')[-2]
    ask = ("errors", "list", "--user", "jdoe")
    assert "one-time password must be changed" in command_line.refused(*ask, password=once)
    new = command_line.file("new", PASSWORD + "\n")
    command_line.ok("users", "passwd", "jdoe", "--new-password-file", new, password=once)
    assert "users acknowledge" in command_line.refused(*ask, password=PASSWORD)
    enrol = ("users", "enrol", "jdoe", "--begin", "--json")
    assert "users acknowledge" in command_line.refused(*enrol, password=PASSWORD)
    assert SENTENCE in command_line.ok("users", "acknowledge", "jdoe", "--terms")
    sign = ("users", "acknowledge", "jdoe")
    shown = command_line.ok(*sign, typed=f"{PASSWORD}\n\njane doe\n")
    assert shown.index("PROCEDURES") < shown.index(SENTENCE)
    said = command_line.refused(*ask, password=PASSWORD)
    assert said.startswith(acknowledgement.NOTICE)
    assert "users enrol" in said
    begun = json.loads(command_line.ok(*enrol, password=PASSWORD))
    secret = base64.b32decode(begun["secret"])
    code = command_line.file("code", totp.code(secret, datetime.now(UTC)))
    confirm = ("users", "enrol", "jdoe", "--confirm", "--first-code-file", code)
    assert "Recovery codes" in command_line.ok(*confirm, password=PASSWORD)
    assert command_line.ok(*ask, password=PASSWORD) == ""
