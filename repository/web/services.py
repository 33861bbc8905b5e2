"""What the web needs of the other rooms."""

from __future__ import annotations

from typing import Protocol

from repository.accounts.service import Accounts
from repository.hotlists.alerts import Alerts
from repository.hotlists.desk import ListDesk
from repository.hotlists.service import UnitHotlists
from repository.ledger.service import Ledger
from repository.search.picture import Pictures
from repository.search.service import Searches


class WebServices(Protocol):
    """The rooms that the web calls."""

    @property
    def accounts(self) -> Accounts:
        """People and their sessions."""
        ...

    @property
    def searches(self) -> Searches:
        """Searching the reads."""
        ...

    @property
    def shown_pictures(self) -> Pictures:
        """Looking at pictures."""
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
    def hotlist_desk(self) -> ListDesk:
        """Hot-list entries by hand."""
        ...

    @property
    def alerts(self) -> Alerts:
        """Alerts of an agency's own units."""
        ...
