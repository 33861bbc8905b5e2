"""One camera's passes on their way to the spool, and from there to the console.

A pass that matches a hot list rings before it ends: its hits are stored with a provisional read,
and only then shown. At its end the final read takes the provisional one's place, under the same id.
Nothing rings twice for one pass; a hit that the final reading no longer matches is taken back, and
one that it matches in another way is shown as it is now. The read's hits are the final reading's.
What one taken back had kept from ringing rings then; see :mod:`edge.recording.showing`.

A pass whose records do not fit the contract with all that it matches is told by the most urgent
match alone, without its note: rather than a read and its alert, something about them is lost.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeAlias, cast

from edge.contract.records import Hit, HotlistMatch, Read
from edge.hotfile.alerts import Sighted
from edge.recording.final import Final
from edge.recording.pass_drafts import PassDrafts
from edge.recording.recorder import Recorder
from edge.recording.ringing import FORGET_AFTER_S, OpenPass, Rung, few_of, key_of
from edge.recording.showing import Showing
from edge.spool.errors import UnfitRecordError
from edge.spool.provisional import Provisional
from edge.spool.store import Place
from edge.vision.passes import Misread, Pass, Sighting

PlaceOf: TypeAlias = Callable[[Collection[int], Collection[int]], Place | None]
"""How far a recording is read; None for a camera, which cannot be read again.

The first numbers are of tracks that have a read on record, were it a provisional one; the second of
tracks that ended and have none. No track is in both: what is on record is not read again."""


_KEPT = "its read is kept with the most urgent match alone, without its note"


class PassRecorder:
    """Records what one opening of one camera gives; its tracks' numbers mean nothing elsewhere."""

    def __init__(self, recorder: Recorder, camera: str, *, live: bool) -> None:
        self._shared = recorder
        self._camera = camera
        self._drafts = PassDrafts(recorder, camera)
        self._showing = Showing(recorder, camera, live=live)
        self._open: dict[int, OpenPass] = {}

    @property
    def on_record(self) -> frozenset[int]:
        """Tracks under way that rang: their hits are on record, and a read by now."""
        return frozenset(track for track, known in self._open.items() if known.rung is not None)

    @property
    def rang(self) -> dict[int, bool]:
        """Those tracks, and whether what was read of each bears out by now what rang."""
        return {
            track: known.borne_out for track, known in self._open.items() if known.rung is not None
        }

    def sight(
        self,
        sightings: Sequence[Sighting],
        place: PlaceOf,
        misread: Sequence[Misread] = (),
    ) -> None:
        """Ring for what is under way, as far as the rule allows.

        What rang for a ``misread`` track goes over to the one of which it was a misreading: their
        car gets one read, and what that does not bear out is taken back. Where that read is on
        record, or has the hits of another misreading, the misreading becomes a read of its own,
        since its hits need one: of the plate that the car has by all its frames.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        for one in misread:
            if (wrong := self._open.pop(one.track, None)) is None:
                continue
            right = None if one.given else self._open.setdefault(one.of, OpenPass(wrong.seen))
            if right is not None and right.rung is None:
                right.rung = wrong.rung
            else:
                self._end([(one.mended(wrong.seen), wrong.rung)], place(self.on_record, ()))
        for seen in sightings:
            matches = self._drafts.matches(seen)
            known = self._open.get(seen.track)
            if not matches and known is None:
                continue
            known = self._open.setdefault(seen.track, OpenPass(seen))
            known.sighted(seen, matches)
            self._ring_due(known, seen.last.at_s, place)
        if sightings:
            self._forget(sightings[0])

    def out_of_sight(self, under_way: Collection[int], now_s: float, place: PlaceOf) -> None:
        """Ring for passes under way whose plate was not seen just now, if it is time.

        They end seconds later only, and what was read as listed would ring then in any case.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        for track, known in self._open.items():
            if track in under_way and known.seen.last.at_s < now_s:
                self._ring_due(known, now_s, place)

    def end(self, passes: Sequence[Pass], place: PlaceOf) -> None:
        """Record passes that ended, each with how far its recording is read with it.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        for number, seen in enumerate(passes, 1):
            known = self._open.pop(seen.track, None)
            pending = {later.track for later in passes[number:]} - self.on_record
            rung = known.rung if known else None
            self._end([(seen, rung)], place(self.on_record, pending))

    def end_together(self, passes: Sequence[Pass], place: Place) -> None:
        """Record the passes of one still picture, all or none.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        if passes:
            self._end([(seen, None) for seen in passes], place)

    def _ring_due(self, known: OpenPass, now_s: float, place: PlaceOf) -> None:
        due = known.due(now_s, self._shared.ring_rule)
        if not due or not self._showing.is_live(known.seen.last):
            return
        seen, alerts = known.seen, self._shared.alerts
        rung = known.rung or self._drafts.begun(seen)
        position = rung.moment.position
        telling = tuple(
            match
            for match in due
            if alerts.rings(
                match,
                seen.reading.text,
                position,
                seen.last.at,
                clock_set=seen.last.clock.source != "unset",
            )
            == "ring"
        )
        if telling:
            self._ring(known, rung, telling, place)

    def _ring(
        self,
        known: OpenPass,
        rung: Rung,
        telling: tuple[HotlistMatch, ...],
        place: PlaceOf,
        unfit: UnfitRecordError | None = None,
    ) -> None:
        """Store the hits that ring now, with a provisional read, and show them.

        ``unfit`` is why they could not be stored with all that the pass matches.
        """
        shared, seen, before, matches = self._shared, known.seen, known.rung, known.matches
        if unfit is not None:
            rung = replace(rung, few=True)
            matches = few_of(matches, {*rung.keys, *map(key_of, telling)})
            telling = few_of(telling)
        made = self._drafts.draft(
            seen, rung, matches, telling, lambda _: self._showing.is_live(seen.last)
        )
        stays, withheld = shared.withheld(made, rung.stays, provisional=True)
        provisional = Provisional(made.builders[0], made.pictures)
        known.rung = rung
        at = place(self.on_record, ())
        try:
            if withheld is None:
                stored = shared.store(
                    lambda: shared.spool.add(made.builders[1:], {}, at, provisional=provisional)
                )
            else:
                stored = shared.store(
                    lambda: shared.spool.add((), {}, at, settles=rung.read, withheld=[withheld])
                )
        except UnfitRecordError as error:
            known.rung = before
            if unfit is None:
                self._showing.unring(telling[1:], seen.reading.text)
                self._ring(known, rung, telling[:1], place, error)
            else:
                self._showing.unring(telling, seen.reading.text)
                self._say_unfit(str(error), len(telling))
            return
        hits = tuple(record for record in stored if isinstance(record, Hit))
        self._showing.unring((hit.match for hit in hits if not hit.rang), seen.reading.text)
        known.rung = replace(rung, hits=rung.hits + hits, stays=stays)
        shared.health.count("hits", len(hits), camera=self._camera)
        interim = cast(Read, made.builders[0](1))
        shared.console.alert(interim, hits, seen.best_frame, seen.best_box)
        self._showing.time("frame_to_alert_ms", seen)
        if unfit is not None:
            self._say_unfit(f"{unfit}; {_KEPT}", 1)

    def _final(self, seen: Pass, rung: Rung | None, *, few: bool) -> Final:
        """The records of a pass that ended, and what the officer is told of it only now.

        ``few`` says that they do not fit the contract with all that it matches.
        """
        matches, plate = self._drafts.matches(seen), seen.reading.text
        before = rung or self._drafts.begun(seen, at_best=True)
        told = before.keys
        if few or before.few:
            matches = few_of(matches, told)
        telling = [match for match in matches if key_of(match) not in told]
        position, sighted = before.moment.position, Sighted(self._camera, plate, seen.last)
        clock_set = seen.last.clock.source != "unset"
        answers = {
            key_of(match): self._shared.alerts.rings(
                match, plate, position, seen.last.at, sighted, clock_set=clock_set
            )
            for match in telling
        }

        def rings(match: HotlistMatch) -> bool:
            return answers[key_of(match)] == "ring" and self._showing.is_live(seen.last)

        made = self._drafts.draft(seen, before, matches, telling, rings)
        _, withheld = self._shared.withheld(made, before.stays)
        return Final(seen, rung, matches, made, withheld, answers)

    def _end(
        self,
        ended: Sequence[tuple[Pass, Rung | None]],
        place: Place | None,
        unfit: UnfitRecordError | None = None,
    ) -> None:
        shared = self._shared
        finals = [self._final(seen, rung, few=unfit is not None) for seen, rung in ended]
        sent = [one.made for one in finals if one.withheld is None]
        builders = [build for made in sent for build in made.builders]
        pictures = {sha256: data for made in sent for sha256, data in made.pictures.items()}
        staying = [one.withheld for one in finals if one.withheld is not None]
        settles = next((one.rung.read for one in finals if one.rung is not None), None)
        try:
            stored = shared.store(
                lambda: shared.spool.add(
                    builders, pictures, place, settles=settles, withheld=staying
                )
            )
        except UnfitRecordError as error:
            for one in finals:
                self._showing.unring(one.ringing, one.seen.reading.text)
            if unfit is None and any(one.matches for one in finals):
                self._end(ended, place, error)
            else:
                self._say_unfit(str(error), len(finals))
            return
        records_of = iter(stored)
        # What stays on the unit comes back from the spool behind the rest.
        for one in sorted(finals, key=lambda final: final.withheld is not None):
            read, *hits = itertools.islice(records_of, len(one.made.builders))
            self._showing.show(one, cast(Read, read), tuple(cast(Hit, hit) for hit in hits))
        if unfit is None:
            shared.health.recovered(f"records of {self._camera}")
        else:
            self._say_unfit(f"{unfit}; {_KEPT}", len(finals))

    def _forget(self, seen: Sighting) -> None:
        """Let go of passes that matched something and were dropped as misread."""
        self._open = {
            track: known
            for track, known in self._open.items()
            if known.rung is not None or seen.last.at_s - known.seen.last.at_s < FORGET_AFTER_S
        }

    def _say_unfit(self, why: str, passes: int) -> None:
        self._shared.health.count("records_unfit", passes)
        self._shared.health.trouble(f"records of {self._camera}", why)
        self._shared.report_malfunction("other", self._camera, why)
