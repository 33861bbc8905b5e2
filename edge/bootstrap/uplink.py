"""The uplink and the rules of what it may send, built from settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import structlog

from edge.contract.plates import Confusables
from edge.contract.records import ListInUse
from edge.enrolment import EnrolledKeys, load_public_key
from edge.health.health import Health
from edge.health.unit_health import unit_health
from edge.hotfile.match import Hotlist
from edge.position.clock import UnitClock
from edge.spool.store import Spool
from edge.supervision.hearts import Hearts
from edge.uplink.gate import UploadPlan
from edge.uplink.messages import Pace, Refused
from edge.uplink.mqtt import LinkSettings
from edge.uplink.orders import Orders
from edge.uplink.settings import UplinkSettings
from edge.uplink.timing import LinkCost, UploadRule
from edge.uplink.uplink import THREADS, Uplink
from edge.uplink.upload_settings import UploadSettings
from edge.uplink.withholding import Withholding

_LIMIT_S = 300.0
"""Longest silence of its threads: a minute's wait, and a name service that does not answer."""

_log = structlog.get_logger()


def build_uplink(
    settings: UplinkSettings,
    data: Path,
    spool: Spool,
    keys: EnrolledKeys,
    *,
    lists: Callable[[], Iterable[Hotlist]],
    clock: UnitClock,
    health: Health,
    software: str,
    hearts: Hearts,
) -> Uplink:
    """The uplink of one spool, ready to start; ``lists`` gives the hot lists in use.

    Raises:
        EdgeError: one sentence for a key or certificate that cannot be used.
    """

    def lists_in_use() -> list[ListInUse]:
        now = clock.now()
        return [
            ListInUse(
                name=one.name,
                version=one.version,
                issued_at=one.issued_at,
                entries=one.entries,
                stale=one.stale(now),
            )
            for one in lists()
        ]

    for thread in THREADS:
        hearts.expect(thread, _LIMIT_S)
    return Uplink(
        spool,
        keys.signing_key,
        load_public_key(settings.repository_public_key),
        _link(settings),
        software=software,
        on_problem=lambda of, sentence: _tell(health, f"uplink {of}", sentence),
        on_refusal=lambda refused: _refused(health, refused),
        pace=Pace.at(settings.upload.backlog_bytes_per_s),
        plan=_plan(settings.upload, data, clock),
        health=lambda: unit_health(health.report(), lists_in_use(), clock.state()),
        utc_now=clock.now,
        beat=hearts.beat,
    )


def build_withholding(
    settings: UplinkSettings,
    spool: Spool,
    confusables: Confusables,
    *,
    clock: UnitClock,
    monotonic_s: Callable[[], float],
    health: Health,
) -> Withholding:
    """The rules of what never leaves the unit.

    Raises:
        UplinkError: if a file of plates cannot be used.
        SpoolError: if the spool cannot be read.
    """
    return Withholding(
        settings.filters,
        confusables,
        spool,
        monotonic_s=monotonic_s,
        now=lambda: _time_of_day(clock),
        on_problem=lambda sentence: _tell(health, "reads to be withheld", sentence),
    )


def _plan(settings: UploadSettings, data: Path, clock: UnitClock) -> UploadPlan:
    return UploadPlan(
        rule=UploadRule(
            schedule=None if settings.schedule is None else settings.schedule.schedule(),
            on_command=settings.when == "command",
            hits_at_once=settings.hits_at_once,
            pictures=settings.pictures,
        ),
        cost=LinkCost(settings.metered, settings.unmetered),
        orders=Orders(data),
        time_of_day=lambda: _time_of_day(clock),
    )


def _time_of_day(clock: UnitClock) -> datetime | None:
    return None if clock.state().source == "unset" else clock.now()


def _link(settings: UplinkSettings) -> LinkSettings:
    tls = settings.tls
    return LinkSettings(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password_file=settings.password_file,
        ca_file=tls.ca if tls else None,
        certificate_file=tls.certificate if tls else None,
        key_file=tls.key if tls else None,
    )


def _tell(health: Health, part: str, sentence: str | None) -> None:
    if sentence is None:
        health.recovered(part)
    else:
        health.trouble(part, sentence)


def _refused(health: Health, refused: Refused) -> None:
    health.count("messages_refused")
    _log.error("message refused by the repository", channel=refused.channel, reason=refused.reason)
