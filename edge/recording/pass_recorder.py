"""One camera's passes on their way to the spool, and from there to the console.

A pass that matches a hot list rings before it ends: its hits are stored with a provisional read,
and only then shown. At its end the final read takes the provisional one's place, under the same id.
Nothing rings twice for one pass; a hit that the final reading no longer matches is taken back, and
one that it matches in another way is shown as it is now. The read's hits are the final reading's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from edge.console.alerts import Told
from edge.contract import records
from edge.contract.records import Hit, HotlistMatch, Read
from edge.health.health import Timed
from edge.hotfile.alerts import Ring
from edge.pipeline import Draft, Moment, characters_of, draft
from edge.recording.recorder import Recorder
from edge.recording.ringing import FORGET_AFTER_S, MatchKey, OpenPass, Rung, key_of
from edge.spool.errors import UnfitRecordError
from edge.spool.provisional import Provisional
from edge.spool.store import Place
from edge.spool.withheld import Withheld
from edge.vision.encode import encode_patch, encode_scene
from edge.vision.passes import Pass, Sighting

LIVE_WITHIN_S = 30.0
"""A pass of a live camera that is older than this when it is stored no longer rings."""

PlaceOf: TypeAlias = Callable[[Collection[int], Collection[int]], Place | None]
"""How far a recording is read; None for a camera, which cannot be read again.

The first numbers are of tracks that have a read on record, were it a provisional one; the second of
tracks that ended and have none. No track is in both: what is on record is not read again."""


@dataclass(frozen=True, slots=True)
class _Final:
    seen: Pass
    rung: Rung | None
    matches: tuple[HotlistMatch, ...]
    made: Draft
    withheld: Withheld | None
    answers: Mapping[MatchKey, Ring]


class PassRecorder:
    """Records what one opening of one camera gives; its tracks' numbers mean nothing elsewhere."""

    def __init__(self, recorder: Recorder, camera: str, *, live: bool) -> None:
        self._shared = recorder
        self._camera = camera
        self._live = live
        self._open: dict[int, OpenPass] = {}

    @property
    def on_record(self) -> frozenset[int]:
        """Tracks under way that rang: their hits are on record, and a read by now."""
        return frozenset(track for track, known in self._open.items() if known.rung is not None)

    def sight(
        self,
        sightings: Sequence[Sighting],
        place: PlaceOf,
        misread: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Ring for what is under way, as far as the rule allows.

        What rang for a ``misread`` track goes over to the one of which it was a misreading: their
        car gets one read, and what that does not bear out is taken back.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        for misreading, number in misread:
            if (wrong := self._open.pop(misreading, None)) is not None:
                self._open.setdefault(number, OpenPass(wrong.seen)).rung = wrong.rung
        for seen in sightings:
            matches = self._matches(seen)
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
            self._end([self._final(seen, known.rung if known else None)],
                      place(self.on_record, pending))  # fmt: skip

    def end_together(self, passes: Sequence[Pass], place: Place) -> None:
        """Record the passes of one still picture, all or none.

        Raises:
            SpoolError: if the disk still refuses when the daemon is told to stop.
        """
        if passes:
            self._end([self._final(seen, None) for seen in passes], place)

    def _ring_due(self, known: OpenPass, now_s: float, place: PlaceOf) -> None:
        due = known.due(now_s, self._shared.ring_rule)
        if due and self._still_live(known.seen):
            self._ring(known, due, place)

    def _ring(self, known: OpenPass, due: Sequence[HotlistMatch], place: PlaceOf) -> None:
        """Store the hits that ring now, with a provisional read, and show them."""
        shared, seen = self._shared, known.seen
        rung = known.rung or self._begun(seen)
        position = rung.moment.position
        telling = [
            match
            for match in due
            if shared.alerts.rings(match, seen.reading.text, position, seen.last.at) == "ring"
        ]
        if not telling:
            return
        made = self._draft(seen, rung, known.matches, telling, lambda _: self._still_live(seen))
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
            known.rung = rung if rung.hits else None
            self._unring(telling, seen.reading.text)
            self._say_unfit(error, len(telling))
            return
        hits = tuple(record for record in stored if isinstance(record, Hit))
        self._unring((hit.match for hit in hits if not hit.rang), seen.reading.text)
        known.rung = replace(rung, hits=rung.hits + hits, stays=stays)
        shared.health.count("hits", len(hits), camera=self._camera)
        interim = cast(Read, made.builders[0](1))
        shared.console.alert(interim, hits, seen.best_frame, seen.best_box)
        self._time("frame_to_alert_ms", seen)

    def _final(self, seen: Pass, rung: Rung | None) -> _Final:
        """The records of a pass that ended, and what the officer is told of it only now."""
        matches = self._matches(seen)
        before = rung or self._begun(seen, at_best=True)
        told = before.keys
        telling = [match for match in matches if key_of(match) not in told]
        answers = {
            key_of(match): self._shared.alerts.rings(
                match, seen.reading.text, before.moment.position, seen.last.at
            )
            for match in telling
        }

        def rings(match: HotlistMatch) -> bool:
            return answers[key_of(match)] == "ring" and self._still_live(seen)

        made = self._draft(seen, before, matches, telling, rings)
        _, withheld = self._shared.withheld(made, before.stays)
        return _Final(seen, rung, matches, made, withheld, answers)

    def _end(self, finals: Sequence[_Final], place: Place | None) -> None:
        shared = self._shared
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
                silent = [m for m in one.matches if one.answers.get(key_of(m)) == "ring"]
                self._unring(silent, one.seen.reading.text)
            self._say_unfit(error, len(finals))
            return
        shared.health.recovered(f"records of {self._camera}")
        records_of = iter(stored)
        # What stays on the unit comes back from the spool behind the rest.
        for one in sorted(finals, key=lambda final: final.withheld is not None):
            read, *hits = itertools.islice(records_of, len(one.made.builders))
            self._show(one, cast(Read, read), tuple(cast(Hit, hit) for hit in hits))

    def _show(self, one: _Final, read: Read, hits: tuple[Hit, ...]) -> None:
        shared = self._shared
        shared.health.count("reads", camera=self._camera)
        shared.health.count("hits", len(hits), camera=self._camera)
        if one.withheld is not None:
            shared.health.count("reads_withheld", camera=self._camera)
        before = one.rung.hits if one.rung else ()
        withdrawn = one.rung.withdrawn(one.matches) if one.rung else ()
        told = Told(
            rang=frozenset(hit.id for hit in before),
            withdrawn=withdrawn,
            now=one.rung.altered(one.matches) if one.rung else {},
            quiet={
                hit.id: answer
                for hit in hits
                if (answer := one.answers[key_of(hit.match)]) != "ring"
            },
        )
        for hit in withdrawn:
            self._unring([hit.match], hit.plate)
        silent = (hit for hit in hits if not hit.rang and one.answers[key_of(hit.match)] == "ring")
        self._unring((hit.match for hit in silent), read.plate)
        still = tuple(hit for hit in before if hit not in withdrawn)
        shared.console.show(read, still + hits, one.seen.best_frame, one.seen.best_box, told)
        self._time("frame_to_read_ms", one.seen)
        if any(hit.rang for hit in hits):
            self._time("frame_to_alert_ms", one.seen)

    def _matches(self, seen: Sighting) -> tuple[HotlistMatch, ...]:
        reading = seen.reading
        return self._shared.hotlists.current.match(
            reading.text, characters_of(reading), reading.state.code, seen.last.at
        )

    def _begun(self, seen: Sighting, *, at_best: bool = False) -> Rung:
        """The id, moment and place that the records of a pass get with this sighting of it."""
        shared = self._shared
        captured = seen.best_frame.captured if at_best else seen.last
        read = records.mint_id(captured.at, shared.random_bytes)
        return Rung(read, Moment(captured, shared.position.at(captured.at_s)))

    def _draft(
        self,
        seen: Sighting,
        rung: Rung,
        matches: Sequence[HotlistMatch],
        telling: Sequence[HotlistMatch],
        rings: Callable[[HotlistMatch], bool],
    ) -> Draft:
        return draft(
            seen,
            camera=self._camera,
            identity=self._shared.identity,
            moment=rung.moment,
            read_id=rung.read,
            matches=matches,
            telling=telling,
            plate_picture=encode_patch(seen.best_crop),
            scene_picture=encode_scene(seen.best_frame.image),
            rings=rings,
            random_bytes=self._shared.random_bytes,
        )

    def _unring(self, matches: Iterable[HotlistMatch], plate: str) -> None:
        for match in matches:
            self._shared.alerts.unring(match, plate)

    def _forget(self, seen: Sighting) -> None:
        """Let go of passes that matched something and were dropped as misread."""
        self._open = {
            track: known
            for track, known in self._open.items()
            if known.rung is not None or seen.last.at_s - known.seen.last.at_s < FORGET_AFTER_S
        }

    def _still_live(self, seen: Sighting) -> bool:
        return not self._live or self._shared.clock.now_s() - seen.last.at_s <= LIVE_WITHIN_S

    def _time(self, what: Timed, seen: Sighting) -> None:
        if self._live:
            elapsed_s = self._shared.clock.now_s() - seen.last.at_s
            self._shared.health.timed(what, elapsed_s * 1000)

    def _say_unfit(self, error: UnfitRecordError, passes: int) -> None:
        self._shared.health.count("records_unfit", passes)
        self._shared.health.trouble(f"records of {self._camera}", str(error))
        self._shared.report_malfunction("other", self._camera, str(error))
