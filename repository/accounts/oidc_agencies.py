"""Whether the agencies that the settings name providers for are there.

Of a name that no agency has, nothing would ever come of its section: who believes that an agency
signs in by its provider alone would be wrong without a word.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sqlalchemy import Connection, select

from repository.accounts.errors import AccountError
from repository.store.tables.fleet import agencies


class UnknownAgencyError(AccountError):
    """A section of the settings names an agency that is not here."""


def require_known(connection: Connection, named: Iterable[str]) -> None:
    """See that every agency that an ``[[accounts.oidc]]`` section names is in the database.

    Raises:
        UnknownAgencyError: naming the setting and what it may have been meant for.
    """
    known = set(connection.scalars(select(agencies.c.name)))
    unknown = [each for each in named if each not in known]
    if not unknown:
        return
    first = unknown[0]
    alike = difflib.get_close_matches(first, sorted(known), n=1)
    meant = f" (did you mean {alike[0]!r}?)" if alike else ""
    raise UnknownAgencyError(
        f"accounts.oidc: agency {first!r} is not known{meant}, so that section does nothing; "
        "'alpr-repository agencies list' has the short names"
    )
