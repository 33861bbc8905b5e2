"""Audits and reports, built from settings."""

from __future__ import annotations

from edge.contract.plates import load_confusables
from repository.audits.desk import AuditDesk
from repository.audits.face_register import FaceRegister
from repository.audits.history import Patterns
from repository.audits.inspection import Inspections
from repository.audits.private_plates import PrivatePlates
from repository.audits.quarterly import Quarterly
from repository.audits.transactions import Transactions
from repository.audits.transparency import Transparency
from repository.bootstrap.ledger import LedgerServices
from repository.business_days import MASSACHUSETTS
from repository.store import keyfiles


class AuditServices(LedgerServices):
    """What is looked at afterwards, and what is told of it."""

    @property
    def transactions(self) -> Transactions:
        """Reports of transactions from the ledger."""
        return Transactions(self.engine, self.clock)

    @property
    def audits(self) -> AuditDesk:
        """Audits of agencies and of the repository."""
        return AuditDesk(self.engine, self.clock, self.settings.audits)

    @property
    def inspections(self) -> Inspections:
        """The repository's own state, for audits of it."""
        return Inspections(
            self.engine,
            self.clock,
            self.settings.audits,
            self.ledger,
            lambda: {
                "ledger": self.ledger.verifier_key(),
                "receipts": keyfiles.public_pem(self.receipts_key.public_key()).decode(),
            },
            load_confusables().fold,
        )

    @property
    def patterns(self) -> Patterns:
        """What in the searches is worth a look."""
        limits = self.settings.search
        return Patterns(self.engine, self.clock, self.private_plates, MASSACHUSETTS, limits)

    @property
    def private_plates(self) -> PrivatePlates:
        """Plates that people registered as their own."""
        return PrivatePlates(self.engine, self.clock, self._master_key)

    @property
    def quarterly(self) -> Quarterly:
        """Quarterly reports of documented searches."""
        return Quarterly(self.engine, self.clock)

    @property
    def transparency(self) -> Transparency:
        """The public report of how the repository is used."""
        return Transparency(self.engine, self.clock, self.settings.agencies.smallest_number)

    @property
    def face_register(self) -> FaceRegister:
        """Requests on paper to others who search faces."""
        return FaceRegister(self.engine, self.clock)
