"""Topics: who may say what where, in MQTT 3.1.1's own terms.

``alpr/1/{agency}/{unit}/records|hits|receipt|status``, ``alpr/1/{agency}/{unit}/picture/{sha256}``
and ``alpr/1/{agency}/hotlist``. A unit publishes under its own agency and unit alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edge.contract.errors import ContractError

ROOT = "alpr/1"
Channel = Literal["records", "hits", "receipt", "status", "picture"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PLAIN: tuple[Channel, ...] = ("records", "hits", "receipt", "status")


@dataclass(frozen=True, slots=True)
class UnitTopic:
    """A topic of one unit; ``picture`` is the SHA-256 on the picture channel, else None."""

    agency: str
    unit: str
    channel: Channel
    picture: str | None = None

    def __post_init__(self) -> None:
        """Refuse names that could reach into another unit's topics."""
        for field, value in (("agency", self.agency), ("unit", self.unit)):
            if not _NAME.fullmatch(value):
                raise ContractError(f"topic {field}: not a lower-case name of letters and digits")
        if (self.channel == "picture") != (self.picture is not None):
            raise ContractError("topic picture: a digest belongs to the picture channel alone")
        if self.picture is not None and not _SHA256.fullmatch(self.picture):
            raise ContractError("topic picture: not a SHA-256 in lower-case hexadecimal")

    def __str__(self) -> str:
        """The topic as MQTT writes it."""
        tail = f"/{self.picture}" if self.picture is not None else ""
        return f"{ROOT}/{self.agency}/{self.unit}/{self.channel}{tail}"


def parse(topic: str) -> UnitTopic:
    """The unit topic that this string is.

    Raises:
        ContractError: if it is none.
    """
    match topic.split("/"):
        case ["alpr", "1", agency, unit, "picture", sha256]:
            return UnitTopic(agency, unit, "picture", sha256)
        case ["alpr", "1", agency, unit, channel]:
            for known in _PLAIN:
                if channel == known:
                    return UnitTopic(agency, unit, known)
    raise ContractError("topic: not one of a unit's")


def hotlist_topic(agency: str) -> str:
    """Where the repository keeps an agency's signed hot-list manifest, retained."""
    if not _NAME.fullmatch(agency):
        raise ContractError("topic agency: not a lower-case name of letters and digits")
    return f"{ROOT}/{agency}/hotlist"


def ingest_filters() -> tuple[str, ...]:
    """What the repository subscribes to: everything that units say."""
    return (
        f"{ROOT}/+/+/records",
        f"{ROOT}/+/+/hits",
        f"{ROOT}/+/+/picture/+",
        f"{ROOT}/+/+/status",
    )
