"""``alpr-repository sessions`` and ``tokens``, over one site."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from repository import bootstrap
from repository.accounts import users
from repository.accounts.acting import read_session, write_session
from repository.accounts.api_tokens import Scope
from repository.accounts.errors import SessionEndedError, SessionLockedError
from repository.settings import load_settings
from repository.store.engine import reading
from tests.repository.accounts.test_sessions import HERE, THERE, opened
from tests.repository.people import PASSWORD, CommandLine, recorded


@pytest.mark.policy("C-3b")
@pytest.mark.policy("C-3c")
def test_the_operator_ends_sessions_and_has_tokens(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    services = bootstrap.build(load_settings(command_line.settings))
    accounts = services.accounts
    with reading(services.engine) as connection:
        (account,) = users.everyone(connection)
    here, there = (opened(accounts, account.user, each) for each in (HERE, THERE))
    for token, origin in ((here, HERE), (there, THERE)):
        accounts.in_session(token, origin)
    (shared,) = json.loads(command_line.ok("sessions", "shared", "--json"))["shared_uses"]
    assert (shared["login"], shared["one_origin"], shared["other_origin"]) == ("jdoe", HERE, THERE)
    assert f"{HERE} and {THERE}" in command_line.ok("sessions", "shared")
    assert command_line.ok("sessions", "end", "jdoe") == "jdoe: 2 sessions ended\n"
    with pytest.raises(SessionEndedError):
        accounts.in_session(here, HERE)
    assert "no such user" in command_line.refused("sessions", "end", "nobody")

    held = command_line.folder / "session"
    asked_by = ("sessions", "unlock", f"--session-file={held}")
    write_session(held, opened(accounts, account.user, HERE))
    accounts.lock_session(read_session(held), HERE)
    with pytest.raises(SessionLockedError, match="'alpr-repository sessions unlock'"):
        accounts.user_of(read_session(held), HERE)
    said = command_line.refused(*asked_by, password="wrong")
    assert "unlocking refused: password or passkey is wrong" in said
    assert "the session is open again" in command_line.ok(*asked_by, password=PASSWORD)
    assert accounts.user_of(read_session(held), HERE).login == "jdoe"

    asked = ("tokens", "make", "rms", "--responsible", "jdoe", "--scope", "ledger:read")
    made = json.loads(command_line.ok(*asked, "--days", "30", "--json"))
    ends = datetime.fromisoformat(made["ends"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)
    assert accounts.service_of(made["token"], Scope.LEDGER_READ, HERE).agency == "salem-pd"
    (listed,) = json.loads(command_line.ok("tokens", "list", "--json"))["tokens"]
    assert (listed["id"], listed["state"]) == (made["id"], "good")
    told = command_line.ok("tokens", "list")
    assert told.count(" UTC") == 2
    assert made["token"] not in told + repr(listed)
    command_line.ok("tokens", "revoke", made["id"])
    assert "revoked, until" in command_line.ok("tokens", "list")
    assert "none of that id" in command_line.refused("tokens", "revoke", made["id"])
    assert "no token can search" in command_line.refused(*asked[:-1], "search")
    assert recorded(command_line.engine)[-1]["actor"]["login"].startswith("os:")
    services.close()
