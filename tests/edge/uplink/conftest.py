"""A spool, a real broker, a receipting responder and an uplink between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.spool.store import Spool
from edge.uplink.messages import Pace, Refused
from edge.uplink.mqtt import LinkSettings
from edge.uplink.uplink import Uplink
from tests.edge.spool.samples import AGENCY, REPOSITORY_KEY, SPOOL_KEY, UNIT, UNIT_KEY
from tests.edge.uplink.responder import Responder
from tests.servers import Broker

QUICK = Pace(first_silence_s=0.3, longest_silence_s=1.0, refused_wait_s=0.5)
_UPLINK_OPTIONS = ("pace", "plan", "health", "key")


class Unit:
    """An uplink over a spool, with everything it said."""

    def __init__(
        self, spool: Spool, link: LinkSettings, jitter: Callable[[], float], **options: Any
    ) -> None:
        self.spool = spool
        self.problems: list[tuple[str, str | None]] = []
        self.refusals: list[Refused] = []
        self.uplink = Uplink(
            spool,
            options.pop("key", UNIT_KEY),
            REPOSITORY_KEY.public_key(),
            link,
            software="plateward test",
            jitter=jitter,
            on_problem=lambda of, sentence: self.problems.append((of, sentence)),
            on_refusal=self.refusals.append,
            **{"pace": QUICK, **options},
        )

    def add(self, builders: list[Any], pictures: dict[str, bytes]) -> None:
        self.spool.add(builders, pictures)
        self.uplink.wake()

    def empty(self) -> bool:
        counts = self.spool.counts()
        return counts.waiting == 0 and counts.pictures_waiting == 0


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool", SPOOL_KEY, agency=AGENCY, unit=UNIT) as opened:
        yield opened


@pytest.fixture
def broker(mosquitto_broker: Callable[..., Broker]) -> Broker:
    return mosquitto_broker()


@pytest.fixture
def make_unit(spool: Spool) -> Iterator[Callable[..., Unit]]:
    """Makes a unit that is not started yet; stops it after the test."""
    units: list[Unit] = []

    def make(port: int, jitter: Callable[[], float] = lambda: 0.0, **changes: Any) -> Unit:
        options = {name: changes.pop(name) for name in _UPLINK_OPTIONS if name in changes}
        fields = {"host": "127.0.0.1", "first_wait_s": 0.02, "longest_wait_s": 0.3, **changes}
        units.append(Unit(spool, LinkSettings(**fields, port=port), jitter, **options))
        return units[-1]

    yield make
    for unit in units:
        unit.uplink.stop()


@pytest.fixture
def unit(make_unit: Callable[..., Unit], broker: Broker) -> Unit:
    return make_unit(broker.port)


@pytest.fixture
def responder(broker: Broker) -> Iterator[Responder]:
    running = Responder(broker.port, UNIT_KEY.public_key())
    yield running
    running.stop()
    assert running.failures == []
