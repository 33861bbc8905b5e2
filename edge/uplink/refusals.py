"""What the repository refuses as a whole, in words for whoever looks after the unit; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge.contract.batch import RefusalReason
from edge.contract.topics import Channel
from edge.uplink.messages import Refused

_WHAT: Mapping[Channel, str] = MappingProxyType(
    {"records": "a batch of records", "hits": "a hit's notice", "picture": "a picture"}
)
_ALTERED = (
    "it came otherwise than it was sealed",
    "check this unit's disk and memory; if it stays so, report it to whoever supplies the software",
)
_SOFTWARE = (
    "it cannot make sense of it",
    "compare the versions of the unit's software and the repository's, and bring the older up "
    "to date",
)
_REASONS: Mapping[RefusalReason, tuple[str, str]] = MappingProxyType(
    {
        "malformed": _SOFTWARE,
        "empty": _SOFTWARE,
        "too_large": (
            "it is larger than it takes",
            "have the repository's administrator look at its limit for a message",
        ),
        "unknown_unit": (
            "it does not know this unit, or has revoked its enrolment",
            "have the repository's administrator look whether this unit is enrolled there under "
            "this agency and name, and enrol it with its unit.pub if it is not",
        ),
        "wrong_unit": (
            "it names another agency or unit than the one that sent it",
            "correct unit.agency and unit.name in the settings to those it was enrolled under",
        ),
        "bad_signature": (
            "it is signed by another key than the one that this unit was enrolled with",
            "put the unit.key made at enrolment back and restart the daemon; what waits is then "
            "sealed anew and sent",
        ),
        "bad_root": _ALTERED,
        "wrong_picture": _ALTERED,
        "incomplete": _ALTERED,
        "out_of_chain": (
            "it does not follow what the repository has of this unit",
            "ask its administrator whether this unit was enrolled twice or the repository "
            "restored from a backup",
        ),
        "too_old": (
            "it is older than the repository may keep it",
            "check the unit's clock with 'alpr-edge doctor'; what waited too long is refused by "
            "the retention rule, and nothing is to be done about that",
        ),
        "in_future": (
            "it is dated ahead of the repository's clock",
            "check the unit's clock with 'alpr-edge doctor', and then the repository's",
        ),
    }
)
"""Why and what to do. A picture that no read names is nobody's trouble: the spool lets go of it."""


class Refusals:
    """The last message of each channel that was refused, until a later one is taken."""

    def __init__(self) -> None:
        self._standing: dict[Channel, Refused] = {}

    def note(self, refused: Refused) -> None:
        """This message was refused."""
        if refused.reason in _REASONS:
            self._standing[refused.channel] = refused

    def taken(self, channel: Channel) -> None:
        """The repository has taken a message of this channel."""
        self._standing.pop(channel, None)

    def receipted(self, through: int) -> None:
        """The records up to this one are receipted, and with them the hits among them."""
        self.taken("records")
        hit = self._standing.get("hits")
        if hit is not None and hit.last_seq is not None and hit.last_seq <= through:
            self.taken("hits")

    @property
    def sentence(self) -> str | None:
        """What is refused and what to do; None while nothing is."""
        for channel in _WHAT:
            if (refused := self._standing.get(channel)) is not None:
                why, do = _REASONS[refused.reason]
                return (
                    f"the repository refuses {_WHAT[channel]} ({refused.reason}), since {why}; "
                    f"the unit keeps it and tries again: {do}"
                )
        return None
