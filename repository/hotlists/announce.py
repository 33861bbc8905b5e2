"""Tell units over MQTT that a list has a new version: its signed manifest, retained.

The topic is the agency's, so that what is retained there is the manifest of whichever of its lists
was issued last: a unit that connects later learns that there is news, and asks for each of its
lists. What is announced proves itself by its signature; the list still comes over HTTPS or by
stick. A version made by another process is found in the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Connection, Engine, func, select

from edge.contract.topics import hotlist_topic
from repository import mqtt as links
from repository.errors import RepositoryError
from repository.hotlists.versions import is_issued
from repository.settings import BrokerLink
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_versions, hotlists

AGAIN_AFTER = timedelta(hours=1)
"""Everything is announced again after this time, for a broker that lost what it retained."""

_QOS = 1
_CONFIRMED_WITHIN_S = 10.0
_log = structlog.get_logger("hotlists")


@dataclass(frozen=True, slots=True)
class News:
    """A version of a list that units should know of."""

    agency: str
    name: str
    version: int
    manifest: bytes


@dataclass
class Announcer:
    """Announces what it has not announced since it started, and everything once in a while."""

    engine: Engine
    broker: BrokerLink
    client_id: str
    _announced: dict[tuple[str, str], int] = field(default_factory=dict)
    _all_at: datetime | None = None
    _said_down: bool = False

    def look(self, now: datetime) -> int:
        """Announce what is new, or try again the next time; the number of versions announced."""
        if self._all_at is None or now - self._all_at >= AGAIN_AFTER:
            self._announced.clear()
            self._all_at = now
        with reading(self.engine) as connection:
            news = find_news(connection, self._announced)
        if not news:
            return 0
        try:
            _publish(self.broker, self.client_id, news)
        except RepositoryError as error:
            if not self._said_down:
                _log.warning("new versions of hot lists are not announced yet", why=str(error))
            self._said_down = True
            return 0
        self._said_down = False
        self._announced.update({(each.agency, each.name): each.version for each in news})
        _log.info("announced hot lists", versions=len(news))
        return len(news)


def find_news(connection: Connection, announced: Mapping[tuple[str, str], int]) -> list[News]:
    """The newest version of each list, unless announced, in the order in which they were made."""
    row = hotlist_versions.c
    newest = (
        select(row.hotlist_id, func.max(row.version).label("version"))
        .where(is_issued())
        .group_by(row.hotlist_id)
        .subquery()
    )
    query = (
        select(agencies.c.name, hotlists.c.name, row.version, row.imported_at)
        .join(newest, (newest.c.hotlist_id == row.hotlist_id) & (newest.c.version == row.version))
        .join(hotlists, hotlists.c.id == row.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .add_columns(row.manifest)
        .order_by(row.imported_at, agencies.c.name, hotlists.c.name)
    )
    found = [
        News(agency, name, version, bytes(manifest))
        for agency, name, version, _made_at, manifest in connection.execute(query)
    ]
    return [each for each in found if announced.get((each.agency, each.name)) != each.version]


def _publish(broker: BrokerLink, client_id: str, news: Sequence[News]) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311)
    links.secure(client, broker, "broker")
    name = f"{broker.host}:{broker.port}"
    client.connect_timeout = _CONFIRMED_WITHIN_S
    try:
        client.connect(broker.host, broker.port)
        client.loop_start()
        for each in news:
            topic = hotlist_topic(each.agency)
            sent = client.publish(topic, each.manifest, qos=_QOS, retain=True)
            sent.wait_for_publish(_CONFIRMED_WITHIN_S)
            if not sent.is_published():
                raise RepositoryError(
                    f"the broker {name} did not confirm a manifest within {_CONFIRMED_WITHIN_S} s"
                )
    except (OSError, RuntimeError, ValueError) as error:
        raise RepositoryError(f"the broker {name} does not answer: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()
