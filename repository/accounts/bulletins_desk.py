"""Publishing, reading and following bulletins: each use case one transaction, on the ledger."""

from __future__ import annotations

from sqlalchemy import ColumnElement, insert, update

from repository.accounts.authority import By, reaches
from repository.accounts.bulletins import About, Bulletin, Reader, find, for_agency, readers, unread
from repository.accounts.errors import AccountError
from repository.accounts.people_acting import Act, PeopleBase, require_text
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.ledger.entry import JSON, as_typed
from repository.store.rows import insert_new
from repository.store.tables.people import bulletin_readings, bulletins

_MAX_TITLE = 200
_MAX_BODY = 20_000
_FOLLOWING = (Power.PUBLISH_BULLETINS, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)


class Bulletins(PeopleBase):
    """Publishing, reading and following bulletins."""

    def publish_bulletin(
        self, by: By, about: About, title: str, body: str, origin: str, *, agency: str | None
    ) -> int:
        """Have everybody, or an agency's people, read something; gives its number.

        Raises:
            AccountError: if the title or the text does not do, or the agency is not theirs.
        """
        asked: dict[str, JSON] = {"about": about.value, "title": as_typed(title)}
        with self._act(by, "bulletins.publish", asked, origin, Power.PUBLISH_BULLETINS) as act:
            agency_id = self._for_whom(act, agency)
            number: int = act.connection.execute(
                insert(bulletins)
                .values(
                    agency_id=agency_id,
                    about=about.value,
                    title=require_text("title", title, _MAX_TITLE).replace("\n", " "),
                    body=require_text("text", body, _MAX_BODY),
                    published_by=act.actor.user_id,
                    published_by_name=act.actor.name,
                    published_at=act.now,
                )
                .returning(bulletins.c.id)
            ).scalar_one()
            act.facts["bulletin"] = number
            return number

    def withdraw_bulletin(self, by: By, number: int, origin: str) -> None:
        """Have nobody read it any more; who did stays on record.

        Raises:
            AccountError: if there is none, or it is withdrawn, or not theirs to withdraw.
        """
        asked: dict[str, JSON] = {"bulletin": number}
        with self._act(by, "bulletins.withdraw", asked, origin, Power.PUBLISH_BULLETINS) as act:
            found = self._theirs(act, number)
            if found.withdrawn_at is not None:
                raise AccountError(f"bulletin {number}: is withdrawn already")
            act.connection.execute(
                update(bulletins)
                .where(bulletins.c.id == number)
                .values(withdrawn_at=act.now, withdrawn_by_name=act.actor.name)
            )

    def unread_bulletins(self, user: User, origin: str) -> list[Bulletin]:
        """What the user has still to read."""
        with self._act(user, "bulletins.show", {}, origin) as act:
            found = unread(act.connection, user)
            act.ids = [str(each.id) for each in found]
            return found

    def acknowledge_bulletin(self, user: User, number: int, origin: str) -> None:
        """Keep that the user has read a bulletin.

        Raises:
            AccountError: if it is not for them.
        """
        with self._act(user, "bulletins.acknowledge", {"bulletin": number}, origin) as act:
            theirs = for_agency(user.agency_id)
            if not find(act.connection, bulletins.c.id == number, theirs):
                raise AccountError(f"bulletin {number}: there is none for you")
            row = {"bulletin_id": number, "user_id": user.id, "read_at": act.now}
            insert_new(act.connection, bulletin_readings, [row])

    def list_bulletins(self, by: By, origin: str) -> list[Bulletin]:
        """Every bulletin that is for people whom they act for, withdrawn ones too."""
        with self._act(by, "bulletins.list", {}, origin, *_FOLLOWING) as act:
            found = find(act.connection, *_reached(act))
            act.ids = [str(each.id) for each in found]
            return found

    def readers_of_bulletin(self, by: By, number: int, origin: str) -> list[Reader]:
        """Who has read a bulletin and who has not, among open accounts whom they act for.

        Raises:
            AccountError: if there is none for people whom they act for.
        """
        asked: dict[str, JSON] = {"bulletin": number}
        with self._act(by, "bulletins.readers", asked, origin, *_FOLLOWING) as act:
            reached = find(act.connection, bulletins.c.id == number, *_reached(act))
            if not reached:
                raise AccountError(f"bulletin {number}: there is none for people of yours")
            found = list(readers(act.connection, reached[0], act.own_agency))
            act.ids = [each.login for each in found]
            return found

    def _for_whom(self, act: Act, agency: str | None) -> int | None:
        if agency is None and act.own_agency is not None:
            raise AccountError("agency: name your own; bulletins for all are an operator's")
        return None if agency is None else act.agency(agency)[0]

    def _theirs(self, act: Act, number: int) -> Bulletin:
        found = find(act.connection, bulletins.c.id == number)
        if not found or not reaches(act.by, found[0].agency or "", *act.powers):
            raise AccountError(f"bulletin {number}: none that you published for your people")
        return found[0]


def _reached(act: Act) -> tuple[ColumnElement[bool], ...]:
    """What there is for people whom they act for."""
    return () if act.own_agency is None else (for_agency(act.own_agency),)
