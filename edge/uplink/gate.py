"""What may be sent at this moment: by the administrator's rule, the link's cost and an order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from edge.spool.store import Counts
from edge.uplink.interfaces import read_interface_to
from edge.uplink.messages import Allowed
from edge.uplink.orders import Order, Orders, Outcome
from edge.uplink.timing import LinkCost, UploadRule, Wish

LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """When to upload and over which links, as `edge.uplink.timing` and `edge.uplink.orders` say.

    ``time_of_day`` is None while it is not known; ``interface_to`` tells the network interface
    that leads to an address.
    """

    rule: UploadRule = field(default_factory=UploadRule)
    cost: LinkCost = field(default_factory=LinkCost)
    orders: Orders | None = None
    time_of_day: Callable[[], datetime | None] = lambda: datetime.now(UTC)
    interface_to: Callable[[str | None], str | None] = read_interface_to


@dataclass(frozen=True, slots=True)
class _Standing:
    """An order, and where things stood when it was taken."""

    order: Order
    through: int
    receipted: int
    pictures: int
    pictures_held: int


class Gate:
    """Looked at by the uplink's thread; ``send_everything`` may be called from any."""

    def __init__(self, plan: UploadPlan) -> None:
        self._rule = plan.rule
        self._cost = plan.cost
        self._orders = plan.orders
        self._time_of_day = plan.time_of_day
        self._interface_to = plan.interface_to
        self._everything = False
        self._standing: _Standing | None = None
        self._looked_s: float | None = None
        self._metered = False
        self._allowed = Allowed(hits=False, records=False, pictures=None)

    @property
    def is_open(self) -> bool:
        """Whether records may go."""
        return self._allowed.records

    @property
    def metered(self) -> bool:
        """Whether the link to the broker costs by the byte."""
        return self._metered

    def send_everything(self) -> None:
        """Send all there is from now on, over whatever link there is."""
        self._everything = True
        self._looked_s = None

    def look(
        self, now_s: float, peer: Callable[[], str | None], counts: Counts, pictures_held: int
    ) -> Allowed:
        """What may be sent now; looks anew every ``LOOK_EVERY_S``, whatever it is asked."""
        if self._looked_s is not None and now_s - self._looked_s < LOOK_EVERY_S:
            return self._allowed
        self._looked_s = now_s
        self._take_order(counts, pictures_held)
        self._metered = self._cost.is_metered(self._interface_to(peer()))
        self._allowed = self._rule.allowed(self._time_of_day(), self._wish(), metered=self._metered)
        return self._allowed

    def finish(
        self, counts: Counts, pictures_held: int, *, pictures_idle: bool, at: datetime
    ) -> None:
        """Close the standing order if it is carried out.

        It is when its records are receipted, and no picture goes any more or as many went as
        waited when it was given: a busy street brings new ones without end.

        Raises:
            UplinkError: if its outcome cannot be written.
        """
        standing = self._standing
        if standing is None or self._orders is None or counts.receipted < standing.through:
            return
        if not pictures_idle and pictures_held - standing.pictures_held < standing.pictures:
            return
        self._orders.finish(
            Outcome(
                id=standing.order.id,
                asked_at=standing.order.asked_at,
                ended_at=at,
                records=standing.through - standing.receipted,
                pictures_left=counts.pictures_waiting,
            )
        )
        self._standing = None
        self._looked_s = None

    def _take_order(self, counts: Counts, pictures_held: int) -> None:
        order = None if self._orders is None else self._orders.pending()
        if order is None:
            self._standing = None
        elif self._standing is None or self._standing.order.id != order.id:
            self._standing = _Standing(
                order=order,
                through=counts.spooled,
                receipted=counts.receipted,
                pictures=counts.pictures_waiting,
                pictures_held=pictures_held,
            )

    def _wish(self) -> Wish:
        if self._everything:
            return "everything"
        return "none" if self._standing is None else "upload"
