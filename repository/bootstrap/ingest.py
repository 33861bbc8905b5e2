"""Taking in what units send and forwarding it, built from settings."""

from __future__ import annotations

import functools

from sqlalchemy import Engine

from edge.contract.plates import load_confusables
from repository.bootstrap.foundation import Foundation
from repository.forwarding.forwarder import Forwarder
from repository.forwarding.link import Link
from repository.ingest.aside import Bounds
from repository.ingest.share import share_name
from repository.ingest.take import Ingest
from repository.settings import SettingsError
from repository.store import keyfiles
from repository.store.engine import open_engine


class IngestServices(Foundation):
    """What units send, on its way in and on to another repository."""

    @functools.cached_property
    def ingest(self) -> Ingest:
        """What takes in the messages of units, over connections of its own."""
        bounds = self.settings.quarantine
        return Ingest(
            engine=self._ingest_engine,
            pictures=self.pictures,
            private_key=self.receipts_key,
            load_duties=self.duties,
            fold=load_confusables().fold,
            clock=self.clock,
            bounds=Bounds(bounds.bytes_per_day, bounds.rows_per_day),
        )

    @functools.cached_property
    def ingest_share(self) -> str:
        """The name under which this repository's ingest processes share what units send."""
        return share_name(self._master_key)

    @functools.cached_property
    def _ingest_engine(self) -> Engine:
        # Ingest must not wait for a connection because the web has taken them all, nor the reverse.
        return open_engine(self.settings.database_address)

    def forwarder(self) -> Forwarder:
        """What forwards to another repository.

        Raises:
            RepositoryError: if the settings name none, or a key or certificate cannot be used.
        """
        chosen = self.settings.forward
        if chosen is None:
            raise SettingsError("forward: the settings have no [forward]; name the repository")
        return Forwarder(
            self.engine,
            self.pictures,
            chosen,
            keyfiles.load_public_key(chosen.receipts_key),
            Link(chosen),
            self.clock,
        )
