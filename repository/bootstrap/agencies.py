"""What agencies do, built from settings."""

from __future__ import annotations

from datetime import timedelta

from edge.contract.plates import load_confusables
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.agreements_papers import Papers
from repository.agencies.deployments import Deployments
from repository.agencies.misuse_desk import MisuseDesk
from repository.agencies.policies import Policies
from repository.agencies.service import AgencyData
from repository.agencies.statistics import Statistics
from repository.agencies.upkeep_desk import UpkeepDesk
from repository.bootstrap.accounts import AccountServices
from repository.forwarding.state import is_forwarded


class AgencyServices(AccountServices):
    """What agencies sign, adopt and do with their units and their reads."""

    @property
    def agency_data(self) -> AgencyData:
        """What agencies do with their own reads."""
        return AgencyData(
            self.engine,
            self.clock,
            load_confusables().fold,
            is_forwarded,
            timedelta(days=self.settings.agencies.answer_days),
        )

    @property
    def agreements(self) -> AgreementDesk:
        """What agencies sign, and who represents them."""
        return AgreementDesk(self._acts, self._papers)

    @property
    def policies(self) -> Policies:
        """What agencies adopt and review."""
        return Policies(self._acts, self._papers, self.settings.agencies.policy_review_days)

    @property
    def deployments(self) -> Deployments:
        """Approvals under which units run."""
        return Deployments(self._acts)

    @property
    def upkeep(self) -> UpkeepDesk:
        """Units' equipment."""
        return UpkeepDesk(self._acts)

    @property
    def misuse(self) -> MisuseDesk:
        """Misuse and what is done about it."""
        return MisuseDesk(self._acts, lambda: self.accounts)

    @property
    def statistics(self) -> Statistics:
        """Numbers for public records."""
        return Statistics(self.engine, self.clock, self.settings.agencies.smallest_number)

    @property
    def _acts(self) -> Acts:
        return Acts(self.engine, self.clock)

    @property
    def _papers(self) -> Papers:
        return Papers(self._master_key, self.random_bytes)
