"""What the cameras' threads share on the way to the spool; malfunctions on their way there.

Nothing is shown or sent before it is on the disk. While the disk refuses, the caller's thread
waits here with what it holds: a live camera then drops frames, which is counted, and no record is
lost.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from edge.console.terminal import Console
from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, Component, Read
from edge.health.health import Health
from edge.hotfile.alerts import Alerts
from edge.hotfile.open import HotlistFiles
from edge.pipeline import Draft, Identity, malfunction_draft
from edge.position.clock import UnitClock
from edge.position.source import PositionSource
from edge.recording.ring_rule import RingRule
from edge.recording.silenced import Silenced
from edge.spool.errors import SpoolError, UnfitRecordError
from edge.spool.store import Spool
from edge.spool.withheld import Withheld
from edge.uplink.filters import FilterRule
from edge.uplink.kept_uplink import RunningUplink
from edge.uplink.withholding import Withholding

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 2.0
"""Cars go by unread while the disk refuses: it is asked again as soon as it may have room."""
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
    uplink: RunningUplink
    console: Console
    health: Health
    random_bytes: Callable[[int], bytes]
    give_up: threading.Event
    """When it is set, a disk that refuses is no longer waited for: the unit stops, or was to run
    once and waited for as long as it may."""
    beat: Callable[[], None] = lambda: None
    """The calling thread lives, also while it waits for a disk."""
    alerts: Alerts = field(default_factory=lambda: Alerts({}))
    ring_rule: RingRule = field(default_factory=RingRule)
    silenced: Silenced = field(default_factory=Silenced)
    _reported: dict[str, float] = field(default_factory=dict)

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
        part, now_s = part or f"{component} {camera}", self.clock.now_s()
        if now_s - self._reported.get(part, -math.inf) < MALFUNCTION_EVERY_S:
            return False
        self._reported[part] = now_s
        made = malfunction_draft(
            identity=self.identity,
            at=self.clock.instant(),
            component=component,
            camera=camera,
            description=sentence,
            random_bytes=self.random_bytes,
        )
        self.store(lambda: self.spool.add(made.builders, made.pictures))
        return True

    def withheld(
        self, made: Draft, stays: FilterRule | None = None, *, provisional: bool = False
    ) -> tuple[FilterRule | None, Withheld | None]:
        """By which rule a read stays on the unit, with its hits, and what the spool keeps of it.

        What ``stays`` already, since its pass rang, does so to its end, whatever later frames
        read: its first hits are in no batch that the read could follow.
        """
        if stays is None:
            stays = self._rule_for(made)
        if stays is None:
            return None, None
        kept = self.withholding.withheld(
            stays, made.builders, made.pictures, provisional=provisional
        )
        return stays, kept

    def _rule_for(self, made: Draft) -> FilterRule | None:
        try:
            read = cast(Read, made.builders[0](1))
        except ContractError:
            return None  # the spool refuses it, and says why
        return self.withholding.rule_for(read)

    def store(self, add: Callable[[], Sequence[AnyRecord]]) -> Sequence[AnyRecord]:
        """Put records into the spool, however long the disk refuses them.

        Raises:
            UnfitRecordError: if one does not fit the contract.
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        retry_s = RETRY_FIRST_S
        while True:
            self.beat()
            try:
                stored = add()
            except UnfitRecordError:
                raise
            except SpoolError as error:
                self.health.trouble("spool", str(error))
                if self.give_up.wait(retry_s):
                    self.health.count("records_not_stored")
                    self.health.trouble(
                        "records not stored",
                        "the capture ended while the disk refused: what was in hand is lost "
                        f"({error})",
                    )
                    raise
                retry_s = min(2 * retry_s, RETRY_MAX_S)
            else:
                self.health.recovered("spool")
                self.uplink.wake()
                return stored
