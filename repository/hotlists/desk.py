"""The use cases of entries by hand, for people who have signed in, each on the ledger.

One person proposes an entry, with its reason and who of the command position authorized it; it
alerts nowhere until another person of the agency has checked it, who is of the command position
where that authority was only told. From then on each act issues the
list's next version at once.

All of it asks for training and an agreement, as a search does, but for ending an entry: what rings
wrongly is stopped by whoever may enter plates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from repository.accounts import standing
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.hotlists import authority, entries, lines, versions, withdrawals
from repository.hotlists.entries import ManualEntry
from repository.hotlists.entry_present import known_by
from repository.hotlists.entry_request import EntryRequest, TypedEntry, require_reason
from repository.hotlists.errors import EntryRefusedError, HotlistError
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import LIST_NAME, MANUAL, HotlistSettings
from repository.hotlists.versions import ListKey
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids


@dataclass(frozen=True, slots=True)
class Act:
    """What became of an act: the entry as it stands, and the version that was issued of it."""

    entry: ManualEntry
    version: int | None


@dataclass(frozen=True, slots=True)
class ListDesk:
    """Where people enter, check, review and end entries."""

    engine: Engine
    publisher: Callable[[], Publisher]
    settings: HotlistSettings
    clock: Callable[[], datetime]

    def propose(self, user: User, name: str, typed: TypedEntry, origin: str) -> Act:
        """Keep an entry for a list of the user's agency until a second person checks it.

        Raises:
            EntryRefusedError: if something is missing or wrong.
            NotAllowedError: as all here, if the user's roles do not let them.
            NotYetOpenError: as all here but `cancel`, if their training is missing or out of date,
                or their agency has no agreement.
        """
        entry = self._entry(
            user, "propose", {"list": as_typed(name), "entry": typed.as_json()}, origin
        )
        with self._acting(user, entry, Power.ENTER_HOTLIST) as connection:
            now = self.clock()
            if not LIST_NAME.fullmatch(name):
                raise EntryRefusedError("list: a name of lower-case letters, digits and hyphens")
            ranks = self.settings.command_ranks
            request = EntryRequest.of(
                typed,
                command_ranks=ranks,
                longest=timedelta(days=self.settings.longest_entry_days),
                now=now,
            )
            request = authority.settled(connection, user.agency_id, request, ranks)
            key = versions.lock_list(connection, user.agency, name, make_at=now)
            if request.replaces is not None:
                old = self._find(connection, user, request.replaces)
                if old.hotlist_id != key.id or old.state(now) != "active":
                    raise EntryRefusedError(f"entry {old.label}: is none that alerts in this list")
            number = entries.add(connection, key.id, request, user, self._review_every(), now)
            return self._done(connection, user, entry, number, None)

    def confirm(self, user: User, number: int, origin: str) -> Act:
        """Keep that a second person checked an entry, and issue it to the units.

        Raises:
            EntryRefusedError: if it is not there to be checked, the user proposed it, or its
                authority was only told and the user is not of the command position.
        """
        entry = self._entry(user, "confirm", {"number": as_typed(str(number))}, origin)
        with self._acting(user, entry, Power.CHECK_HOTLIST) as connection:
            found, key = self._lock(connection, user, number)
            now = self.clock()
            if found.state(now) != "proposed":
                raise EntryRefusedError(f"entry {found.label}: is {found.state(now)} already")
            if found.proposed_by == user.id:
                raise EntryRefusedError(
                    f"entry {found.label}: you proposed it; a second person must check it"
                )
            self._check_authority(connection, user, found)
            entries.confirm(connection, number, user, now)
            if found.replaces is not None:
                self._replace(connection, user, found, now)
            return self._done(connection, user, entry, number, key)

    def cancel(self, user: User, name: str, label: str, reason: str, origin: str) -> int | None:
        """End an entry of a list of the user's agency at once, whoever brought it.

        Gives the version that was issued without it; None where it had not alerted yet.

        Raises:
            EntryRefusedError: if it is not in the list, or no reason is given.
        """
        asked = {"list": as_typed(name), "id": as_typed(label), "reason_given": as_typed(reason)}
        entry = self._entry(user, "cancel", asked, origin)
        with self._acting(user, entry, Power.ENTER_HOTLIST, fit=False) as connection:
            now = self.clock()
            why = require_reason(reason)
            key = versions.lock_list(connection, user.agency, name)
            alerted = True
            if label.startswith(f"{MANUAL}:"):
                number = label.removeprefix(f"{MANUAL}:")
                found = self._find(connection, user, int(number) if number.isdecimal() else 0)
                state = found.state(now)
                if found.hotlist_id != key.id or state not in ("proposed", "active"):
                    raise EntryRefusedError(f"entry {label}: is {state} already")
                entries.end(connection, found.id, why, user, now)
                alerted = state == "active"
            elif label in withdrawals.standing(connection, key.id):
                raise EntryRefusedError(f"entry {label}: is withdrawn already")
            else:
                self._require_listed(connection, key, label)
                withdrawals.add(connection, key.id, label, why, user, now)
            version = self._publish(connection, user, key, origin) if alerted else None
            log.append(connection, replace(entry, at=now, request={**asked, "version": version}))
            return version

    def review(self, user: User, number: int, reason: str, origin: str) -> Act:
        """Keep that an entry was looked at and still holds, until its next review.

        Raises:
            EntryRefusedError: if it does not alert, or no reason is given.
        """
        asked = {"number": as_typed(str(number)), "reason_given": as_typed(reason)}
        entry = self._entry(user, "review", asked, origin)
        with self._acting(user, entry, Power.CHECK_HOTLIST) as connection:
            require_reason(reason)
            found, _ = self._lock(connection, user, number)
            now = self.clock()
            if found.state(now) != "active":
                raise EntryRefusedError(f"entry {found.label}: is {found.state(now)}")
            entries.put_off_review(
                connection, number, min(now + self._review_every(), found.expires)
            )
            return self._done(connection, user, entry, number, None)

    def show(self, user: User, name: str | None, origin: str) -> list[ManualEntry]:
        """All entries by hand of the user's agency, or of one of its lists.

        Raises:
            SessionEndedError: if the account was closed meanwhile.
        """
        asked: dict[str, JSON] = {"list": None if name is None else as_typed(name)}
        entry = self._entry(user, "list", asked, origin)
        with self._acting(user, entry, Power.SEE_ALERTS) as connection:
            found = entries.of_agency(connection, user.agency, name)
            digest = digest_of_ids(str(each.id) for each in found)
            log.append(connection, replace(entry, count=len(found), result_digest=digest))
            return found

    def _entry(self, user: User, act: str, asked: Mapping[str, JSON], origin: str) -> Entry:
        return Entry(f"hotlist.entry.{act}", user.actor, self.clock(), origin, asked)

    @contextmanager
    def _acting(
        self, user: User, entry: Entry, power: Power, *, fit: bool = True
    ) -> Iterator[Connection]:
        """A transaction of somebody with the power, who is ``fit`` to search unless that is off."""
        refusals = (HotlistError, AccountError)
        with attempt(self.engine, entry, refusals), self.engine.begin() as connection:
            enter(connection, user, power)
            if fit:
                standing.require_for_search(connection, user, entry.at)
            yield connection

    def _done(
        self, connection: Connection, user: User, entry: Entry, number: int, key: ListKey | None
    ) -> Act:
        version = None if key is None else self._publish(connection, user, key, entry.origin)
        found = self._find(connection, user, number)
        asked = {
            **entry.request,
            "number": str(number),
            "version": version,
            "authority": known_by(found),
        }
        log.append(connection, replace(entry, at=self.clock(), request=asked))
        return Act(found, version)

    def _check_authority(self, connection: Connection, user: User, found: ManualEntry) -> None:
        now_is = enter(connection, user)
        ranks = self.settings.command_ranks
        if found.authorized_by is None and not authority.of_command(now_is, ranks):
            raise EntryRefusedError(
                f"entry {found.label}: that {found.authorized_by_rank} {found.authorized_by_name} "
                "authorized it was told and not signed, since they have no account; so a person "
                f"whose account is of the command position confirms it ({', '.join(ranks)})"
            )

    def _replace(
        self, connection: Connection, user: User, found: ManualEntry, now: datetime
    ) -> None:
        old = self._find(connection, user, found.replaces or 0)
        if old.state(now) != "active":
            raise EntryRefusedError(
                f"entry {old.label}, which it was to replace, is {old.state(now)}; propose it anew"
            )
        entries.end(connection, old.id, f"replaced by {found.label}", user, now)

    def _publish(self, connection: Connection, user: User, key: ListKey, origin: str) -> int:
        manifest = self.publisher().publish(
            connection, key, actor=user.actor, origin=origin, now=self.clock()
        )
        return manifest.list.version

    def _lock(self, connection: Connection, user: User, number: int) -> tuple[ManualEntry, ListKey]:
        """The entry as it stands once nobody else can change its list."""
        key = versions.lock_list(connection, user.agency, self._find(connection, user, number).list)
        return self._find(connection, user, number), key

    def _find(self, connection: Connection, user: User, number: int) -> ManualEntry:
        found = entries.find(connection, user.agency_id, number)
        if found is None:
            raise EntryRefusedError(f"entry {MANUAL}:{number}: {user.agency} has none of that id")
        return found

    def _require_listed(self, connection: Connection, key: ListKey, label: str) -> None:
        newest = versions.newest(connection, key.agency, key.name)
        if all(line.entry != label for line in lines.split(newest.file(connection))):
            raise EntryRefusedError(f"entry {label}: is not in version {newest.version}")

    def _review_every(self) -> timedelta:
        return timedelta(days=self.settings.review_every_days)
