"""People of a store from before roles may do afterwards what they could do before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from alembic import command
from sqlalchemy import text

from repository.accounts import closing, users
from repository.accounts.roles import Role
from repository.store import migrate
from repository.store.engine import open_engine

BEFORE = datetime(2020, 3, 1, 12, tzinfo=UTC)
JDOE = UUID(int=7)


def test_whoever_had_an_account_is_officer_and_investigator_and_is_not_closed_at_once(
    dsn: str,
) -> None:
    engine = open_engine(dsn)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
        at = BEFORE.replace(tzinfo=None) if "sqlite" in dsn else BEFORE
        connection.execute(
            text("INSERT INTO agencies (id, name, title, created_at) VALUES (1, 'a', 'A', :at)"),
            {"at": at},
        )
        connection.execute(
            text(
                "INSERT INTO users (id, agency_id, login, name, password_hash, "
                "must_change_password, created_at) VALUES (:id, 1, 'jdoe', 'J', 'h', :no, :at)"
            ),
            {"id": JDOE.hex if "sqlite" in dsn else JDOE, "no": False, "at": at},
        )
    migrate.upgrade(engine)
    with engine.begin() as connection:
        found = users.find(connection, "jdoe")
        assert found is not None
        assert found.user.roles == {Role.OFFICER, Role.INVESTIGATOR}
        now = datetime.now(UTC)
        assert closing.unused(connection, now - timedelta(days=90)) == []
        assert closing.unused(connection, now + timedelta(minutes=1)) == [JDOE]
    engine.dispose()
