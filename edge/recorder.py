"""Passes and malfunctions on their way to the spool, and from there to the console.

Nothing is shown or sent before it is on the disk. While the disk refuses, the caller's thread
waits here with what it holds: a live camera then drops frames, which is counted, and no record is
lost.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from edge.console.terminal import Console
from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, Component, Hit, Read
from edge.health import Health
from edge.hotfile.open import HotlistFiles
from edge.pipeline import Draft, Identity, Moment, characters_of, draft, malfunction_draft
from edge.position.clock import UnitClock
from edge.position.source import PositionSource
from edge.spool.errors import SpoolError, UnfitRecordError
from edge.spool.store import Place, Spool
from edge.spool.withheld import Withheld
from edge.uplink.uplink import Uplink
from edge.uplink.withholding import Withholding
from edge.vision.encode import encode_patch, encode_scene
from edge.vision.tracker import Pass

LIVE_WITHIN = timedelta(seconds=30)
"""A pass of a live camera that is older than this when it is stored no longer rings."""

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
MALFUNCTION_EVERY_S = 600.0
"""A part that fails on and off is reported to the repository this often, at most."""


@dataclass(frozen=True)
class Recorder:
    """Makes records of what the cameras' threads saw; they share one."""

    identity: Identity
    hotlists: HotlistFiles
    position: PositionSource
    clock: UnitClock
    spool: Spool
    withholding: Withholding
    uplink: Uplink
    console: Console
    health: Health
    random_bytes: Callable[[int], bytes]
    give_up: threading.Event
    """When it is set, a disk that refuses is no longer waited for."""
    beat: Callable[[], None] = lambda: None
    """The calling thread lives, also while it waits for a disk."""
    _reported: dict[str, float] = field(default_factory=dict)

    def record(
        self, camera: str, passes: Sequence[Pass], *, live: bool, place: Place | None = None
    ) -> None:
        """Store passes together, with how far their recording is read, and only then show them.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        if not passes:
            return
        drafts = [self._draft(camera, seen, live=live) for seen in passes]
        withheld = [self._withheld(made) for made in drafts]
        try:
            stored = iter(self._store(drafts, withheld, place))
        except UnfitRecordError as error:
            self.health.count("records_unfit", len(passes))
            self.health.trouble(f"records of {camera}", str(error))
            self.report_malfunction("other", camera, str(error))
            return
        self.health.recovered(f"records of {camera}")
        together = zip(passes, drafts, withheld, strict=True)
        # What stays on the unit comes back from the spool behind the rest.
        for seen, made, stays in sorted(together, key=lambda one: one[2] is not None):
            read, *hits = itertools.islice(stored, len(made.builders))
            self.health.count("reads", camera=camera)
            self.health.count("hits", len(hits), camera=camera)
            if stays is not None:
                self.health.count("reads_withheld", camera=camera)
            self.console.show(
                cast(Read, read),
                tuple(cast(Hit, hit) for hit in hits),
                seen.best_frame,
                seen.best_box,
            )

    def report_malfunction(
        self, component: Component, camera: str | None, sentence: str, part: str | None = None
    ) -> bool:
        """Put a malfunction on record, one for each part in a while.

        Args:
            component: what the repository's administrator looks after.
            camera: the camera that it concerns, if it is one's.
            sentence: what is wrong.
            part: which part is in trouble, where component and camera do not tell.

        Returns:
            false if one of that part went on record too short a while ago for another.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        part, now = part or f"{component} {camera}", time.monotonic()
        if now - self._reported.get(part, -MALFUNCTION_EVERY_S) < MALFUNCTION_EVERY_S:
            return False
        self._reported[part] = now
        made = malfunction_draft(
            identity=self.identity,
            clock=self.clock.state(),
            at=self.clock.now(),
            component=component,
            camera=camera,
            description=sentence,
            random_bytes=self.random_bytes,
        )
        self._store([made], [None], None)
        return True

    def _draft(self, camera: str, seen: Pass, *, live: bool) -> Draft:
        captured_at = seen.best_frame.captured_at
        matches = self.hotlists.current.match(
            seen.reading.text,
            characters_of(seen.reading),
            seen.reading.state.code,
            captured_at,
        )
        return draft(
            seen,
            camera=camera,
            identity=self.identity,
            moment=Moment(self.clock.state(), self.position.at(captured_at)),
            matches=matches,
            plate_picture=encode_patch(seen.best_crop),
            scene_picture=encode_scene(seen.best_frame.image),
            rings=lambda: not live or self.clock.now() - seen.last_seen <= LIVE_WITHIN,
            random_bytes=self.random_bytes,
        )

    def _withheld(self, made: Draft) -> Withheld | None:
        """How a read stays on the unit, with its hits, where a rule says so."""
        try:
            read = cast(Read, made.builders[0](1))
        except ContractError:
            return None  # the spool refuses it, and says why
        rule = self.withholding.rule_for(read)
        if rule is None:
            return None
        return self.withholding.withheld(rule, made.builders, made.pictures)

    def _store(
        self,
        drafts: Sequence[Draft],
        withheld: Sequence[Withheld | None],
        place: Place | None,
    ) -> Sequence[AnyRecord]:
        """Put drafts into the spool together, however long the disk refuses them."""
        sent = [made for made, stays in zip(drafts, withheld, strict=True) if stays is None]
        builders = [build for made in sent for build in made.builders]
        pictures = {sha256: data for made in sent for sha256, data in made.pictures.items()}
        staying = [stays for stays in withheld if stays is not None]
        retry_s = RETRY_FIRST_S
        while True:
            self.beat()
            try:
                stored = self.spool.add(builders, pictures, place, withheld=staying)
            except UnfitRecordError:
                raise
            except SpoolError as error:
                self.health.trouble("spool", str(error))
                if self.give_up.wait(retry_s):
                    raise
                retry_s = min(2 * retry_s, RETRY_MAX_S)
            else:
                self.health.recovered("spool")
                self.uplink.wake()
                return stored
