"""What the web needs of the other rooms."""

from __future__ import annotations

from typing import Protocol

from repository.accounts.people import People
from repository.accounts.service import Accounts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.deployments import Deployments
from repository.agencies.misuse_desk import MisuseDesk
from repository.agencies.policies import Policies
from repository.agencies.statistics import Statistics
from repository.agencies.upkeep_desk import UpkeepDesk
from repository.audits.desk import AuditDesk
from repository.audits.face_register import FaceRegister
from repository.audits.history import Patterns
from repository.audits.private_plates import PrivatePlates
from repository.audits.quarterly import Quarterly
from repository.audits.transactions import Transactions
from repository.cases.evidence.make import EvidenceDesk
from repository.cases.service import CaseFiles
from repository.hotlists.alerts import Alerts
from repository.hotlists.desk import ListDesk
from repository.hotlists.importing import Imports
from repository.hotlists.service import UnitHotlists
from repository.ledger.service import Ledger
from repository.search.approvals import Approvals
from repository.search.confirmations import Confirmations
from repository.search.picture import Pictures
from repository.search.requests import SearchRequests
from repository.search.reviews import Reviews
from repository.search.service import Searches


class WebServices(Protocol):
    """The rooms that the web calls."""

    @property
    def accounts(self) -> Accounts:
        """People and their sessions."""
        ...

    @property
    def people(self) -> People:
        """Requests for logins, training, reviews of the lists of users, and bulletins."""
        ...

    @property
    def searches(self) -> Searches:
        """Searching the reads."""
        ...

    @property
    def search_approvals(self) -> Approvals:
        """Approvals of broad searches."""
        ...

    @property
    def search_requests(self) -> SearchRequests:
        """Searches that others ask for."""
        ...

    @property
    def search_reviews(self) -> Reviews:
        """Reviews of emergencies and possible matches."""
        ...

    @property
    def confirmations(self) -> Confirmations:
        """Reads confirmed with the agencies that made them."""
        ...

    @property
    def shown_pictures(self) -> Pictures:
        """Looking at pictures."""
        ...

    @property
    def case_files(self) -> CaseFiles:
        """Case files of agencies."""
        ...

    @property
    def evidence(self) -> EvidenceDesk:
        """Making evidence packages."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The log of every transaction."""
        ...

    @property
    def hotlists(self) -> UnitHotlists:
        """Hot lists for units."""
        ...

    @property
    def hotlist_imports(self) -> Imports:
        """Hot lists from files."""
        ...

    @property
    def statistics(self) -> Statistics:
        """Numbers for public records."""
        ...

    @property
    def hotlist_desk(self) -> ListDesk:
        """Hot-list entries by hand."""
        ...

    @property
    def alerts(self) -> Alerts:
        """Alerts of an agency's own units."""
        ...

    @property
    def transactions(self) -> Transactions:
        """Reports of transactions."""
        ...

    @property
    def audits(self) -> AuditDesk:
        """Audits of agencies and of the repository."""
        ...

    @property
    def patterns(self) -> Patterns:
        """What in the searches is worth a look."""
        ...

    @property
    def quarterly(self) -> Quarterly:
        """Quarterly reports of documented searches."""
        ...

    @property
    def face_register(self) -> FaceRegister:
        """Requests on paper to others who search faces."""
        ...

    @property
    def private_plates(self) -> PrivatePlates:
        """Plates that people registered as their own."""
        ...

    @property
    def agreements(self) -> AgreementDesk:
        """What agencies sign, and who represents them."""
        ...

    @property
    def policies(self) -> Policies:
        """What agencies adopt and review."""
        ...

    @property
    def deployments(self) -> Deployments:
        """Approvals under which units run."""
        ...

    @property
    def upkeep(self) -> UpkeepDesk:
        """Units' equipment."""
        ...

    @property
    def misuse(self) -> MisuseDesk:
        """Misuse and what is done about it."""
        ...
