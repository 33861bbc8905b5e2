"""The services of every room together."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from repository.bootstrap.agencies import AgencyServices
from repository.bootstrap.audits import AuditServices
from repository.bootstrap.cases import CaseServices
from repository.bootstrap.hotlists import HotlistServices
from repository.bootstrap.ingest import IngestServices
from repository.settings import Settings
from repository.store.engine import open_engine


class Services(
    AgencyServices,
    AuditServices,
    CaseServices,
    HotlistServices,
    IngestServices,
):
    """Everything that a use case works with; each base builds what its rooms offer."""

    def close(self) -> None:
        """Close every connection to the database."""
        self.engine.dispose()
        for name in ("_ingest_engine", "_accounts_engine"):
            if name in self.__dict__:
                self.__dict__[name].dispose()


def build(settings: Settings) -> Services:
    """The services for these settings; nothing is connected, read or made yet.

    Raises:
        RepositoryError: if the database's address is wrong or its folder missing.
    """
    return Services(
        settings=settings,
        engine=open_engine(settings.database_address),
        clock=lambda: datetime.now(UTC),
        random_bytes=secrets.token_bytes,
    )
