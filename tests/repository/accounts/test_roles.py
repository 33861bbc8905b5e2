"""Roles and powers, and that every use case of a person asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest

from repository.accounts import roles as every_role
from repository.accounts import users
from repository.accounts.errors import AccountError, NotAllowedError
from repository.accounts.roles import POWERS, REPOSITORY_WIDE, Power, Role, powers_of, require
from repository.accounts.user import User
from repository.bootstrap import Services, build
from repository.cli import main
from repository.errors import RepositoryError
from repository.ledger import log
from repository.settings import load_settings
from tests.repository.people import CHEAP, CommandLine

P = Power
READ = "0195f3a2-7c1b-7def-8a01-23456789abcd"
NOBODYS_POWER: frozenset[Role] = frozenset()

# What each command of a person asks for: one of these powers. Commands that are not here are those
# of everybody's own affairs, or are looked at by their own rooms and refused to who has no role.
ASKED: dict[str, tuple[Power, ...]] = {
    "hold add": (P.HOLD,),
    "hold show": (P.HOLD, P.RELEASE_HOLD, P.SEE_CASES),
    "hold assign": (P.HOLD,),
    "hold object": (P.END_OTHERS_HOLD,),
    "hold on-our-reads": (P.END_OTHERS_HOLD,),
    "hold review": (P.HOLD,),
    "hold release": (P.RELEASE_HOLD,),
    "hold confirm-release": (P.RELEASE_HOLD,),
    "hold withdraw-release": (P.RELEASE_HOLD,),
    "agencies rule": (P.MANAGE_AGENCY,),
    "purge": (P.OPERATE,),
    "retention explain": (P.SEARCH,),
    "hotlists propose": (P.ENTER_HOTLIST,),
    "hotlists cancel": (P.ENTER_HOTLIST,),
    "hotlists confirm": (P.CHECK_HOTLIST,),
    "hotlists review": (P.CHECK_HOTLIST,),
    "hotlists entries": (P.SEE_ALERTS,),
    "alerts list": (P.SEE_ALERTS,),
    "alerts show": (P.SEE_ALERTS,),
    "alerts count": (P.SEE_ALERTS,),
    "reads correct": (P.CORRECT_READS,),
    "reads withdraw": (P.CORRECT_READS,),
    "reads release": (P.CORRECT_READS,),
    "reads dispose": (P.CORRECT_READS,),
    "errors report": (P.REPORT_ERROR,),
    "errors list": (P.REPORT_ERROR, P.CORRECT_READS),
    "errors answer": (P.CORRECT_READS,),
    "findings close": (P.OPERATE, P.MANAGE_UNITS, P.MANAGE_USERS),
    "forward keep": (P.MANAGE_AGENCY,),
    "forward release": (P.MANAGE_AGENCY,),
    "ingest retire": (P.OPERATE,),
    "ingest trust-clock": (P.OPERATE,),
    "search": (P.SEARCH,),
    "picture": (P.SEE_PICTURE,),
    "users add": (P.MANAGE_USERS,),
    "users roles": (P.MANAGE_USERS,),
    "users reset": (P.MANAGE_USERS,),
    "users leave": (P.MANAGE_USERS,),
    "users revoke": (P.MANAGE_USERS,),
    "users unlock": (P.MANAGE_USERS,),
    "users list": (P.MANAGE_USERS, P.CERTIFY_USERS, P.AUDIT_OWN_AGENCY, P.AUDIT_ALL),
    "logins list": (P.MANAGE_USERS,),
    "logins grant": (P.MANAGE_USERS,),
    "logins deny": (P.MANAGE_USERS,),
    "training record": (P.MANAGE_USERS, P.CERTIFY_USERS),
    "training strike": (P.MANAGE_USERS, P.CERTIFY_USERS),
    "training list": (P.MANAGE_USERS, P.CERTIFY_USERS, P.AUDIT_OWN_AGENCY, P.AUDIT_ALL),
    "user-reviews open": (P.CERTIFY_USERS, P.MANAGE_USERS),
    "user-reviews list": (P.CERTIFY_USERS, P.MANAGE_USERS, P.AUDIT_OWN_AGENCY, P.AUDIT_ALL),
    "user-reviews show": (P.CERTIFY_USERS, P.MANAGE_USERS, P.AUDIT_OWN_AGENCY, P.AUDIT_ALL),
    "bulletins publish": (P.PUBLISH_BULLETINS,),
    "bulletins withdraw": (P.PUBLISH_BULLETINS,),
    "bulletins list": (P.PUBLISH_BULLETINS, P.AUDIT_OWN_AGENCY, P.AUDIT_ALL),
    "bulletins readers": (P.PUBLISH_BULLETINS, P.AUDIT_OWN_AGENCY, P.AUDIT_ALL),
}
OWN_AFFAIRS = {
    "audits follow-up",  # of findings against one's own agency: there are none
    "audits own-plate",
}
"""What everybody with an account may do for themselves."""

FACTS = "--facts=Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"
# More of the command line than what each command requires of everybody.
MORE: dict[str, tuple[str, ...]] = {
    "errors answer": ("--reject",),
    "purge": ("--now", "--confirm-count", "1"),
    "retention explain": (
        "--purpose=wrongdoing", FACTS,
        "--case=24-1187", "--affirm",
    ),
    "hold add": ("--read", READ, "--affirm"),
    "evidence make": ("--purpose=wrongdoing", FACTS, "--affirm"),
    "audits start": ("--agency", "salem-pd"),
    "audits transactions": ("--agency", "salem-pd"),
    "hotlists import": ("--accept-change", "--reason", "The list is right"),
}  # fmt: skip


SAID = {
    "plate": "1ABC23",
    "agency": "salem-pd",
    "person": "rroe",
    "new_login": "rroe",
    "reads": READ,
}


@dataclass(frozen=True)
class Site:
    """A site of an agency with one person, whose roles a test chooses."""

    services: Services
    folder: Path
    person: User

    def with_roles(self, roles: frozenset[Role]) -> User:
        with self.services.engine.begin() as connection:
            users.set_roles(connection, self.person.id, roles, "Officer")
        return replace(self.person, roles=roles)

    def run(self, words: str, command: click.Command, roles: frozenset[Role]) -> Exception | None:
        """What the command of a person with these roles ends with, past its sign-in."""
        arguments = [*self._required(command), *MORE.get(words, ())]
        context = command.make_context(words, arguments)
        options = {
            name: value
            for name, value in context.params.items()
            if name not in ("login", "password_file", "code_file", "session_file")
        }
        try:
            with context:
                inner = inner_of(command)
                assert inner is not None
                inner(self.services, user=self.with_roles(roles), **options)
        except (RepositoryError, click.ClickException) as error:
            return error
        except SystemExit:
            return None
        return None

    def _required(self, command: click.Command) -> Iterator[str]:
        for each in command.params:
            if not each.required:
                continue
            if isinstance(each, click.Option):
                yield each.opts[0]
            if not getattr(each, "is_flag", False):
                yield self._value(each)

    def _value(self, parameter: click.Parameter) -> str:
        kind, name = parameter.type, parameter.name or ""
        if isinstance(kind, click.Choice):
            first = kind.choices[0]
            return str(getattr(first, "value", first))
        if isinstance(kind, click.DateTime):
            return "2026-02" if kind.formats == ["%Y-%m"] else "2026-02-01"
        if isinstance(kind, click.Path):
            return str(self.folder / ("new file" if name in ("out", "output") else "file"))
        if isinstance(kind, type(click.UUID)):
            return READ
        if isinstance(kind, type(click.INT)):
            return "1"
        if isinstance(kind, click.types.FuncParamType) and "quarter" not in name:
            return "2026-02-01"
        return SAID.get(name, "words-of-it")


def commands(
    command: click.Command = main, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command that acts for a person who signs in."""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, (*words, name))
    elif inner_of(command) is not None:
        yield " ".join(words), command


def inner_of(command: click.Command) -> Callable[..., Any] | None:
    """The command below what signs its person in, and above what packs its options."""
    inner: Any = command.callback
    while inner is not None and inner.__code__.co_name not in (
        "as_that_person",
        "perhaps_as_person",
    ):
        inner = getattr(inner, "__wrapped__", None)
    found: Callable[..., Any] | None = inner
    return found


COMMANDS = dict(commands())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    line = CommandLine(tmp_path_factory.mktemp("site"))
    line.hire("jdoe")
    (line.folder / "file").write_text("some text\n")
    services = build(load_settings(line.settings))
    vars(services)["accounts"] = replace(services.accounts, passwords=CHEAP)
    with services.engine.begin() as connection:
        found = users.find(connection, "jdoe")
    assert found is not None
    yield Site(services, line.folder, found.user)
    services.close()


def test_every_command_of_the_table_is_there() -> None:
    assert set(ASKED) <= set(COMMANDS)


@pytest.mark.policy("G-12")
@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_a_person_without_the_power_is_refused_and_one_with_it_is_not(
    site: Site, words: str
) -> None:
    """A command that asks for no power lets somebody through who has no role, and is found."""
    command = COMMANDS[words]
    powers = ASKED.get(words)
    if powers is None:
        refused = site.run(words, command, NOBODYS_POWER)
        assert isinstance(refused, NotAllowedError) or words in OWN_AFFAIRS, repr(refused)
        return
    without = frozenset(each for each in Role if POWERS[each].isdisjoint(powers))
    assert isinstance(site.run(words, command, without), NotAllowedError)
    if words not in ("purge", "ingest retire"):
        with_it = next(each for each in Role if not POWERS[each].isdisjoint(powers))
        done = site.run(words, command, frozenset({with_it}))
        assert not isinstance(done, NotAllowedError) or "role" not in str(done).split(":")[0], done


def test_a_refused_act_is_on_the_ledger(site: Site) -> None:
    site.run("hold release", COMMANDS["hold release"], frozenset({Role.OFFICER}))
    with site.services.engine.begin() as connection:
        *_, last = log.rows(connection)
    assert last.action == "hold.release"
    assert b'"outcome":"refused"' in last.body
    assert b"that takes the role supervisor" in last.body


@pytest.mark.parametrize(
    ("role", "never"),
    [
        (Role.OFFICER, {P.RELEASE_HOLD, P.CORRECT_READS, P.MANAGE_USERS, P.SEE_TRANSACTIONS,
                        P.CHECK_HOTLIST, P.APPROVE_SEARCH, P.DISSEMINATE}),
        (Role.INVESTIGATOR, {P.RELEASE_HOLD, P.MANAGE_USERS, P.APPROVE_SEARCH}),
        (Role.SUPERVISOR, {P.MANAGE_USERS, P.CORRECT_READS}),
        (Role.AUDITOR, {P.SEARCH, P.SEE_PICTURE, P.MANAGE_USERS, P.RELEASE_HOLD}),
        (Role.OPERATOR, {P.SEARCH, P.SEE_PICTURE, P.SEE_CASES, P.SEE_TRANSACTIONS, P.AUDIT_ALL}),
        (Role.SECURITY_OFFICER, {P.SEARCH, P.MANAGE_USERS, P.OPERATE}),
    ],
)  # fmt: skip
def test_duties_are_apart(role: Role, never: set[Power]) -> None:
    assert POWERS[role].isdisjoint(never)


def test_every_role_may_do_something_and_every_power_is_somebodys() -> None:
    assert set(POWERS) == set(Role)
    assert powers_of(Role) == set(Power)
    assert all(Power.REPORT_MISUSE in POWERS[each] for each in Role)
    assert powers_of(REPOSITORY_WIDE).isdisjoint({P.SEARCH, P.SEE_PICTURE})


def test_a_refusal_names_the_roles_that_would_do(site: Site) -> None:
    officer = replace(site.person, roles=frozenset({Role.OFFICER}))
    with pytest.raises(NotAllowedError, match="release holds: that takes the role supervisor or"):
        require(officer, Power.RELEASE_HOLD)


def test_roles_are_kept_as_they_are_read_and_others_are_refused() -> None:
    for roles in ((), (Role.OFFICER,), tuple(Role)):
        assert every_role.from_text(every_role.as_text(roles)) == frozenset(roles)
    with pytest.raises(AccountError, match="role: is none of officer"):
        every_role.parse(["chief"])
