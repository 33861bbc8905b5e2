"""What the officer is shown of one camera's passes that ended, all of it on record already.

What a false alert had kept from ringing, since its plate had rung, is said as that is taken back,
and rings after all while it is live: with a hit record of its own, since the one that it has says
that it did not ring. Of a read that stays on the unit nothing more goes on record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from msgspec import structs

from edge.console.alerts import Standing
from edge.contract.records import Hit, HotlistMatch, Read
from edge.health.health import Timed
from edge.hotfile.alerts import Sighted
from edge.instant import Instant
from edge.pipeline import rung_after_all
from edge.recording.final import Final
from edge.recording.recorder import Recorder
from edge.recording.silenced import Quiet
from edge.vision.passes import Sighting

LIVE_WITHIN_S = 30.0
"""A pass of a live camera that is older than this when it is stored no longer rings."""


class Showing:
    """Shows what one camera gives; ``live`` says that it is no recording."""

    def __init__(self, recorder: Recorder, camera: str, *, live: bool) -> None:
        self._shared = recorder
        self._camera = camera
        self._live = live

    def is_live(self, seen: Instant) -> bool:
        """Whether what was seen then still rings."""
        return not self._live or self._shared.clock.now_s() - seen.at_s <= LIVE_WITHIN_S

    def time(self, what: Timed, seen: Sighting) -> None:
        """Note how long ago the pass was seen, by its last frame."""
        if self._live:
            elapsed_s = self._shared.clock.now_s() - seen.last.at_s
            self._shared.health.timed(what, elapsed_s * 1000)

    def unring(self, matches: Iterable[HotlistMatch], plate: str) -> None:
        """Forget that these rang: they did not in the end."""
        for match in matches:
            self._shared.alerts.unring(match, plate)

    def show(self, one: Final, read: Read, hits: tuple[Hit, ...]) -> None:
        """Show a pass that ended, with its new hits, and what of what rang is taken back."""
        shared = self._shared
        shared.health.count("reads", camera=self._camera)
        shared.health.count("hits", len(hits), camera=self._camera)
        if one.withheld is not None:
            shared.health.count("reads_withheld", camera=self._camera)
        stands, due = self._standing(one)
        told = one.told(hits, stands)
        silent = (hit for hit in hits if not hit.rang and hit.id not in told.quiet)
        self.unring((hit.match for hit in silent), read.plate)
        still = tuple(hit for hit in one.before if hit not in one.withdrawn)
        shared.console.show(read, still + hits, one.seen.best_frame, one.seen.best_box, told)
        self.time("frame_to_read_ms", one.seen)
        if any(hit.rang for hit in hits):
            self.time("frame_to_alert_ms", one.seen)
        sighted, stays = Sighted(self._camera, read.plate, one.seen.last), one.withheld is not None
        for hit in (hit for hit in hits if told.quiet.get(hit.id) == "quiet_repeat"):
            quiet = Quiet(read, hit, one.seen.last, one.seen.best_frame, one.seen.best_box, stays)
            if (wanted := shared.silenced.keep(sighted, quiet)) is not None:
                due.append(wanted)
        for quiet in due:
            self._ring_after_all(quiet)

    def _standing(self, one: Final) -> tuple[dict[UUID, Standing], list[Quiet]]:
        """What else was seen of the plates whose hits are withdrawn, and what of it rings now."""
        stands, due = {}, []
        for hit in one.withdrawn:
            sighted = self._shared.alerts.unring(hit.match, hit.plate)
            if sighted is None:
                continue
            live = self.is_live(sighted.at)
            stands[hit.id] = Standing(sighted.camera, sighted.plate, sighted.at.at, live)
            if live and (quiet := self._shared.silenced.take(sighted, hit.match)) is not None:
                due.append(quiet)
        return stands, due

    def _ring_after_all(self, quiet: Quiet) -> None:
        shared, hit = self._shared, quiet.hit
        clock_set = hit.clock.source != "unset"
        answer = shared.alerts.rings(
            hit.match, hit.plate, hit.position, hit.captured_at, clock_set=clock_set
        )
        if answer != "ring":
            return  # it has rung since
        rung: tuple[Hit, ...] = (structs.replace(hit, rang=True),)
        if not quiet.stays:
            made = rung_after_all(
                hit, rings=lambda: self.is_live(quiet.at), random_bytes=shared.random_bytes
            )
            stored = shared.store(lambda: shared.spool.add(made.builders, made.pictures))
            shared.health.count("hits", len(stored), camera=hit.camera)
            rung = tuple(cast(Hit, record) for record in stored)
        self.unring((one.match for one in rung if not one.rang), hit.plate)
        shared.console.alert(quiet.read, rung, quiet.frame, quiet.box)
