"""Searching the reads, built from settings."""

from __future__ import annotations

import functools

from edge.contract.plates import load_confusables
from repository.bootstrap.foundation import Foundation
from repository.retention.rules import shipped_rule
from repository.search.approvals import Approvals
from repository.search.confirmations import Confirmations
from repository.search.picture import Pictures
from repository.search.requests import SearchRequests
from repository.search.reviews import Reviews
from repository.search.service import Searches


class SearchServices(Foundation):
    """What is found, and what must be asked for before and told after."""

    @functools.cached_property
    def searches(self) -> Searches:
        """Searching the reads."""
        return Searches(
            self.engine,
            self.clock,
            load_confusables().fold,
            self.retention_rule,
            settings=self.settings.search,
        )

    @property
    def search_approvals(self) -> Approvals:
        """Approvals of broad searches."""
        return Approvals(self.engine, self.clock, self.searches)

    @property
    def search_requests(self) -> SearchRequests:
        """Searches that others ask for."""
        return SearchRequests(self.engine, self.clock)

    @property
    def search_reviews(self) -> Reviews:
        """Reviews of emergencies and possible matches."""
        return Reviews(self.engine, self.clock, self.duties)

    @property
    def confirmations(self) -> Confirmations:
        """Reads confirmed with the agencies that made them."""
        return Confirmations(
            self.engine, self.clock, self.retention_rule, shipped_rule, self.settings.search
        )

    @functools.cached_property
    def shown_pictures(self) -> Pictures:
        """Looking at pictures."""
        return Pictures(
            self.engine,
            self.clock,
            self.pictures,
            self.retention_rule,
            shipped_rule,
            self.settings.search,
        )
