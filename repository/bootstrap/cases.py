"""Case files and evidence, built from settings."""

from __future__ import annotations

from repository.bootstrap.ledger import LedgerServices
from repository.cases.evidence.make import Checkpoints, EvidenceDesk
from repository.cases.service import CaseFiles
from repository.ledger.signing import Awaited


class CaseServices(LedgerServices):
    """What is kept for a case and what leaves as evidence."""

    @property
    def case_files(self) -> CaseFiles:
        """The case files of every agency."""
        return CaseFiles(self.engine, self.clock, self.duties)

    @property
    def evidence(self) -> EvidenceDesk:
        """Making evidence packages, under checkpoints that the jobs sign."""
        return self._evidence(Awaited(self.engine))

    @property
    def evidence_signed_here(self) -> EvidenceDesk:
        """The same for the command line, which signs by itself."""
        return self._evidence(self.signer)

    def _evidence(self, checkpoints: Checkpoints) -> EvidenceDesk:
        return EvidenceDesk(self.engine, self.clock, self.pictures, self.ledger, checkpoints)
