"""What a database holds that is of no use without the keys it was made under."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from repository.store.tables.agreements import papers
from repository.store.tables.fleet import units
from repository.store.tables.ledger import ledger_entries
from repository.store.tables.reads import picture_keys
from repository.store.tables.retention import held_picture_keys
from repository.store.tables.signing_in import totp_secrets

_HELD = (
    (ledger_entries, "a ledger"),
    (picture_keys, "keys of pictures"),
    (held_picture_keys, "keys of held pictures"),
    (units, "enrolled units"),
    (totp_secrets, "second factors"),
    (papers, "papers that agencies signed"),
)


def under_keys(connection: Connection) -> str:
    """What there is of a ledger, keys, units, factors and papers, in words; empty if nothing."""
    found = [
        words for table, words in _HELD if connection.scalar(select(exists().select_from(table)))
    ]
    return ", ".join(found)


def second_factors(connection: Connection) -> str:
    """The same of what the key of second factors alone opens."""
    found = connection.scalar(select(exists().select_from(totp_secrets)))
    return "second factors" if found else ""
