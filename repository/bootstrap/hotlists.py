"""Hot lists and alerts, built from settings."""

from __future__ import annotations

import functools
from datetime import timedelta

from repository.bootstrap.search import SearchServices
from repository.hotlists.alerts import Alerts
from repository.hotlists.announce import Announcer
from repository.hotlists.desk import ListDesk
from repository.hotlists.importing import Imports
from repository.hotlists.look_back import LookBacks
from repository.hotlists.publish import Publisher
from repository.hotlists.service import UnitHotlists
from repository.units.requests import UnitRequests


class HotlistServices(SearchServices):
    """How lists come to units, and what units made of them."""

    @functools.cached_property
    def hotlists(self) -> UnitHotlists:
        """Hot lists for units."""
        return UnitHotlists(self.engine, UnitRequests(self.engine, self.clock), self.clock)

    @functools.cached_property
    def publisher(self) -> Publisher:
        """What issues versions of hot lists."""
        return Publisher(self.receipts_key, self.settings.hotlists.keep_versions)

    @property
    def hotlist_imports(self) -> Imports:
        """Importing hot lists from files."""
        return Imports(self.engine, self.publisher, self.clock)

    @property
    def hotlist_desk(self) -> ListDesk:
        """Entries by hand."""
        return ListDesk(self.engine, lambda: self.publisher, self.settings.hotlists, self.clock)

    @property
    def hotlist_look_backs(self) -> LookBacks:
        """Listed plates in the reads of before."""
        return LookBacks(self.engine, self.searches, self.clock)

    @property
    def hotlist_announcer(self) -> Announcer:
        """What tells units of new versions over MQTT."""
        broker = self.settings.broker
        return Announcer(self.engine, broker, f"{broker.client_id}-hotlists")

    @property
    def alerts(self) -> Alerts:
        """Alerts of an agency's own units."""
        after = timedelta(minutes=self.settings.hotlists.unverified_after_min)
        return Alerts(self.engine, self.duties, after, self.clock)
