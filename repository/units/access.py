"""The broker's access rules, from the units that are enrolled: pure text.

A client's user name is its certificate's common name: ``AGENCY.UNIT`` for a unit, ``repository``
for the repository. What no rule allows, mosquitto denies.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge.contract.topics import UnitTopic, hotlist_topic, ingest_filters
from repository.units.enrolment import Unit

REPOSITORY_USER = "repository"


def mosquitto_rules(units: Iterable[Unit]) -> str:
    """The file for mosquitto's ``acl_file``; revoked units are left out."""
    lines = [f"user {REPOSITORY_USER}"]
    lines += [f"topic read {filter_}" for filter_ in ingest_filters()]
    lines += ["topic write alpr/1/+/+/receipt", "topic write alpr/1/+/hotlist"]
    for unit in units:
        if unit.revoked_at is not None:
            continue
        own = [UnitTopic(unit.agency, unit.name, each) for each in ("records", "hits", "status")]
        picture = UnitTopic(unit.agency, unit.name, "picture", "0" * 64)
        lines += ["", f"user {unit.agency}.{unit.name}"]
        lines += [f"topic write {topic}" for topic in own]
        lines.append(f"topic write {str(picture).removesuffix('0' * 64)}+")
        lines.append(f"topic read {UnitTopic(unit.agency, unit.name, 'receipt')}")
        lines.append(f"topic read {hotlist_topic(unit.agency)}")
    return "\n".join(lines) + "\n"
