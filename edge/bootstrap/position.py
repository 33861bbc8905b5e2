"""What tells the unit's place, built from settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from edge.contract.records import FixedSite
from edge.health.health import Health
from edge.position.clock import UnitClock
from edge.position.fixed_site import Site
from edge.position.gpsd import GpsdReceiver
from edge.position.history import FixHistory
from edge.position.kernel_clock import seconds_since_boot
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch
from edge.position.serial_port import USUAL_BAUDS, SerialReceiver
from edge.position.settings import GpsdPosition, SerialPosition, SitePosition
from edge.position.settings import NoReceiver as NoPositionSettings
from edge.position.source import NoReceiver, PositionSource


def build_position(
    settings: SerialPosition | GpsdPosition | SitePosition | NoPositionSettings,
    clock: UnitClock,
    health: Health,
    beat: Callable[[], None] = lambda: None,
) -> tuple[PositionSource, Callable[[threading.Event], None] | None]:
    """What tells the unit's place, and what a thread must run for it, if anything.

    ``beat`` is called as long as that thread turns.
    """
    match settings:
        case SerialPosition() as chosen:
            reports, watch = _receiver(chosen, clock, health, beat)
            serial = SerialReceiver(
                (chosen.port,) if isinstance(chosen.port, str) else chosen.port,
                USUAL_BAUDS if chosen.baud == "auto" else (chosen.baud,),
                reports=reports,
                watch=watch,
            )
            return reports, serial.run
        case GpsdPosition() as chosen:
            reports, watch = _receiver(chosen, clock, health, beat)
            gpsd = GpsdReceiver(chosen.host, chosen.port, reports=reports, watch=watch)
            return reports, gpsd.run
        case SitePosition() as chosen:
            site = FixedSite(
                site=chosen.site,
                latitude_deg=chosen.latitude_deg,
                longitude_deg=chosen.longitude_deg,
                accuracy_m=chosen.accuracy_m,
            )
            return Site(site), None
        case _:
            return NoReceiver(), None


def _receiver(
    chosen: SerialPosition | GpsdPosition,
    clock: UnitClock,
    health: Health,
    beat: Callable[[], None],
) -> tuple[Reports, ReceiverWatch]:
    def count(good: int, bad: int) -> None:
        health.count("gps_sentences", good)
        health.count("gps_sentences_bad", bad)

    watch = ReceiverWatch(
        "GPS receiver",
        now_s=seconds_since_boot,
        fix_lasts_s=chosen.fix_lasts_s,
        say=partial(health.tell, "gps"),
        beat=beat,
    )
    return Reports(FixHistory(chosen.fix_lasts_s, chosen.bridge_s), clock, count), watch
