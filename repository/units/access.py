"""The broker's access rules, from the units that are enrolled: pure text.

A client's user name is its certificate's common name: ``AGENCY.UNIT`` for a unit, ``repository``
for the repository, and whatever it was given for another repository that forwards an agency's
units. What no rule allows, mosquitto denies.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge.contract.topics import ROOT, UnitTopic, hotlist_topic, ingest_filters
from repository.units.enrolment import Unit

REPOSITORY_USER = "repository"


def mosquitto_rules(units: Iterable[Unit], forwarders: Iterable[tuple[str, str]] = ()) -> str:
    """The file for mosquitto's ``acl_file``; revoked units are left out.

    ``forwarders`` are users with the agency that each forwards: each may speak for that agency's
    units, and for no other's.
    """
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
    for user, agency in forwarders:
        lines += ["", f"user {user}"]
        lines += [f"topic write {ROOT}/{agency}/+/{each}" for each in ("records", "picture/+")]
        lines.append(f"topic read {ROOT}/{agency}/+/receipt")
    return "\n".join(lines) + "\n"
