"""The use cases of alerts, for people who have signed in, each on the ledger before it is shown.

An agency's own alerts are its operational business: what its units rang for, who verified it and
what came of it is seen without a search's purpose. Another agency's alerts are found by a search
alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import Connection, Engine

from repository.accounts import standing
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.hotlists import alert_rows
from repository.hotlists.alert_state import Alert, Checked
from repository.hotlists.errors import AlertRefusedError
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids
from repository.retention.duties import Duties

MAX_WINDOW = timedelta(days=366)
MAX_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which of an agency's alerts are asked for: those from ``start`` until before ``end``.

    ``overdue`` are those that rang and that nobody verified within the set time.
    """

    start: datetime
    end: datetime
    list_name: str | None = None
    checked: Checked | None = None
    overdue: bool = False
    limit: int = 200

    def as_json(self) -> Mapping[str, JSON]:
        """The question as the ledger keeps it."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "list": None if self.list_name is None else as_typed(self.list_name),
            "state": self.checked,
            "overdue": self.overdue,
            "limit": as_typed(str(self.limit)),
        }


@dataclass(frozen=True, slots=True)
class ShownAlerts:
    """Alerts, the newest first; ``more`` says that the limit cut some off."""

    alerts: tuple[Alert, ...]
    more: bool
    ledger_index: int


@dataclass(frozen=True, slots=True)
class Alerts:
    """Looking at an agency's own alerts."""

    engine: Engine
    duties: Callable[[Connection], Duties]
    unverified_after: timedelta
    clock: Callable[[], datetime]

    def show(self, user: User, query: AlertQuery, origin: str) -> ShownAlerts:
        """The alerts of the user's agency that are asked for.

        Raises:
            AlertRefusedError: if the window or the limit is none.
            SessionEndedError: if the account was closed meanwhile.
        """
        with self._looking(user, "list", query.as_json(), origin) as (connection, entry):
            standing.require_for_search(connection, user, entry.at)
            if not 1 <= query.limit <= MAX_SHOWN:
                raise AlertRefusedError(f"limit: expected 1 to {MAX_SHOWN}")
            now = self.clock()
            with closing(
                self._in_window(connection, user, query.start, query.end, query.list_name)
            ) as window:
                fitting = (
                    each
                    for each in window
                    if (query.checked is None or each.checked == query.checked)
                    and (not query.overdue or each.overdue(now, self.unverified_after))
                )
                found = list(islice(fitting, query.limit + 1))
            shown = tuple(found[: query.limit])
            return ShownAlerts(shown, len(found) > len(shown), _record(connection, entry, shown))

    def find(self, user: User, hit_id: UUID, origin: str) -> ShownAlerts:
        """The alert of that id, if it is of the user's agency.

        Raises:
            AlertRefusedError: if the agency has none of that id.
            SessionEndedError: if the account was closed meanwhile.
        """
        with self._looking(user, "show", {"hit": str(hit_id)}, origin) as (connection, entry):
            standing.require_for_search(connection, user, entry.at)
            found = alert_rows.find(
                connection,
                user.agency_id,
                hit_id,
                expired_before=self._expired_before(connection, user),
            )
            if not found:
                raise AlertRefusedError(
                    f"alert {hit_id}: {user.agency} has none of that id; what another agency's "
                    "units saw is found by a search"
                )
            return ShownAlerts(tuple(found), False, _record(connection, entry, found))

    def by_list(
        self, user: User, start: datetime, end: datetime, origin: str
    ) -> Mapping[str, Counter[str]]:
        """How the agency's alerts turned out, counted for each list; no plate is in it.

        Raises:
            AlertRefusedError: if the window is none.
            SessionEndedError: if the account was closed meanwhile.
        """
        asked: dict[str, JSON] = {"from": start.isoformat(), "to": end.isoformat()}
        counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
        with self._looking(user, "count", asked, origin) as (connection, entry):
            for alert in self._in_window(connection, user, start, end, None):
                counted[alert.hit.match.list_name].update(_facts(alert))
            total = sum(each["hits"] for each in counted.values())
            log.append(connection, replace(entry, count=total))
        return counted

    def _in_window(
        self,
        connection: Connection,
        user: User,
        start: datetime,
        end: datetime,
        list_name: str | None,
    ) -> Generator[Alert]:
        if start.utcoffset() is None or end.utcoffset() is None:
            raise AlertRefusedError("from, to: need their offset from UTC")
        if not start < end <= start + MAX_WINDOW:
            raise AlertRefusedError(
                f"from: must lie before 'to', by {MAX_WINDOW.days} days at most"
            )
        return alert_rows.of_agency(
            connection,
            user.agency_id,
            start,
            end,
            expired_before=self._expired_before(connection, user),
            list_name=list_name,
        )

    def _expired_before(self, connection: Connection, user: User) -> datetime:
        rule = self.duties(connection).rule_of(user.agency_id)
        return rule.expired_before(self.clock(), hit=True)

    @contextmanager
    def _looking(
        self, user: User, what: str, asked: Mapping[str, JSON], origin: str
    ) -> Iterator[tuple[Connection, Entry]]:
        entry = Entry(f"alert.{what}", user.actor, self.clock(), origin, asked)
        refusals = (AlertRefusedError, AccountError)
        with attempt(self.engine, entry, refusals), self.engine.begin() as connection:
            enter(connection, user, Power.SEE_ALERTS)
            yield connection, entry


def _record(connection: Connection, entry: Entry, shown: list[Alert] | tuple[Alert, ...]) -> int:
    digest = digest_of_ids(str(each.hit.id) for each in shown)
    return log.append(connection, replace(entry, count=len(shown), result_digest=digest)).index


def _facts(alert: Alert) -> dict[str, int]:
    """One for each thing that is true of the alert."""
    disposition = alert.disposition
    facts = {
        "hits": True,
        "rang": alert.hit.rang,
        f"match_{alert.hit.match.how}": True,
        "no_longer_matches": alert.no_longer_matches,
        alert.checked: True,
        "misread": alert.misread,
        "wrong_state": alert.wrong_state,
        "not_current": alert.not_current,
        "acted_on": alert.acted_on,
        "without_outcome": disposition is None,
    }
    return {name: 1 for name, true in facts.items() if true}
