"""The purge that the repository's own jobs do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import structlog
from sqlalchemy import Engine

from repository.retention import purge
from repository.retention.purge import LoadDuties, PurgeBusyError
from repository.retention.purge_schedule import interval, is_due
from repository.store.engine import reading
from repository.store.pictures import PictureStore

_log = structlog.get_logger("jobs")
_TRY_AGAIN_AFTER = timedelta(hours=1)


@dataclass
class PurgeJob:
    """Looks every minute whether a purge is due; one that failed is tried again after an hour."""

    engine: Engine
    pictures: PictureStore
    load_duties: LoadDuties
    purge_at: time | None
    _failed_at: datetime | None = field(default=None, init=False)

    def look(self, now: datetime) -> bool:
        """Purge if that is due, and nobody else does; whether it did.

        Raises:
            RepositoryError: as `purge.run` does.
        """
        if not self._is_due(now):
            return False
        self._failed_at = now
        try:
            done = purge.run(self.engine, self.pictures, self.load_duties, now=now)
        except PurgeBusyError as error:
            self._failed_at = None
            _log.info("no purge now", why=str(error))
            return False
        self._failed_at = None
        if done.certificates:
            _log.info("purged", reads=done.reads_purged, days=len(done.certificates))
        return True

    def _is_due(self, now: datetime) -> bool:
        if self._failed_at is not None and timedelta() <= now - self._failed_at < _TRY_AGAIN_AFTER:
            return False
        with reading(self.engine) as connection:
            every = interval(self.load_duties(connection), now)
            return is_due(every, self.purge_at, purge.last_finished(connection), now)
