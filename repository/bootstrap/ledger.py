"""The ledger and its witnesses, built from settings."""

from __future__ import annotations

import functools
from datetime import timedelta

from repository.bootstrap.foundation import Foundation
from repository.bootstrap.keys import LEDGER_KEY
from repository.ledger.service import Ledger
from repository.ledger.settings import FolderWitness, HttpsWitness, WitnessSettings
from repository.ledger.signing import Signer
from repository.ledger.witness import Witness
from repository.ledger.witness_folder import FolderOfCheckpoints
from repository.ledger.witness_https import EndpointForCheckpoints
from repository.ledger.witness_mqtt import TopicOfCheckpoints
from repository.ledger.witnessing import Witnesses
from repository.settings import BrokerLink, TlsSettings
from repository.store import keyfiles


class LedgerServices(Foundation):
    """The log of every transaction, what signs it and who keeps it elsewhere."""

    @functools.cached_property
    def ledger(self) -> Ledger:
        """The ledger under its public key, which is all that most of its work takes."""
        key = keyfiles.load_public_part(self.settings.keys_folder / LEDGER_KEY)
        return Ledger(self.engine, self.settings.ledger.origin, key, self.clock)

    @functools.cached_property
    def signer(self) -> Signer:
        """What signs the ledger: for the jobs and the command line alone."""
        key = keyfiles.load_signing_key(self.settings.keys_folder / LEDGER_KEY)
        return Signer(self.ledger, key)

    @functools.cached_property
    def witnesses(self) -> Witnesses:
        """Who keeps the ledger's checkpoints elsewhere."""
        chosen = self.settings.ledger
        return Witnesses(
            self.engine,
            chosen.origin,
            self.ledger.public_key,
            [_witness(each) for each in chosen.witnesses],
            timedelta(minutes=chosen.witness_late_min),
            self.clock,
        )


def _witness(chosen: WitnessSettings) -> Witness:
    if isinstance(chosen, FolderWitness):
        return FolderOfCheckpoints(chosen.name, chosen.folder)
    if isinstance(chosen, HttpsWitness):
        return EndpointForCheckpoints(chosen.name, chosen.url, chosen.ca, chosen.token_file)
    tls = None
    if chosen.ca and chosen.certificate and chosen.key:
        tls = TlsSettings(ca=chosen.ca, certificate=chosen.certificate, key=chosen.key)
    link = BrokerLink(
        host=chosen.host,
        port=chosen.port,
        tls=tls,
        username=chosen.username,
        password_file=chosen.password_file,
    )
    return TopicOfCheckpoints(chosen.name, chosen.topic, link)
