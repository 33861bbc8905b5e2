"""Follow each plate from frame to frame, so that one car passing once is one reading.

The plates of a frame are assigned to the passes under way by how likely each pair is
(`edge.vision.association`). A pass ends when its plate has not been seen for a while; one that
stays in view (a parked car, a car ahead) is given once after `longest_pass_s`, then followed in
silence. One read wrongly in the middle of its pass does not become a pass of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from edge.vision.association import assign
from edge.vision.engine import KnownState, PlateObservation, nothing_known
from edge.vision.frames import Frame
from edge.vision.geometry import Box, iou
from edge.vision.motion import camera_shift
from edge.vision.passes import Mark, Misread, Pass, Resume, Seen
from edge.vision.reader import StateReading
from edge.vision.track import Track
from edge.vision.vote import Table, table

LOST_AFTER_S = 3.0
LONGEST_PASS_S = 10.0
REMEMBERED_S = 30.0
"""A plate that was given is known again for this long, where it was seen last."""

SURE_TEXT = 10.0  # likeness from which a text alone says which pass a plate belongs to
MOST_CONTESTING = 2  # sightings that may be misreadings of the pass whose place they hold
DOUBTFUL = 0.9  # confidence below which they are
SAME_BOX = 0.5
NOBODY_ALERTED: Mapping[int, bool] = MappingProxyType({})


class Tracker:
    """Turns the plates of one camera's frames into passes."""

    def __init__(
        self,
        *,
        lost_after_s: float = LOST_AFTER_S,
        longest_pass_s: float = LONGEST_PASS_S,
        remembered_s: float = REMEMBERED_S,
    ) -> None:
        self._lost_after_s = lost_after_s
        self._longest_pass_s = longest_pass_s
        self._remembered_s = remembered_s
        self._tracks: list[Track] = []
        self._numbers = itertools.count(1)
        self._marks: tuple[Mark, ...] = ()
        self._ended: list[Track] = []

    def resume(self, marks: Sequence[Mark]) -> None:
        """Follow in silence what a broken-off reading of this recording has on record."""
        self._marks = tuple(marks)

    def known_states(self, frame: Frame) -> KnownState:
        """The states of the plates that should be in a frame, for an engine to take as read."""
        at_s = frame.at_s

        def known(box: Box) -> StateReading | None:
            there = [track for track in self._tracks if track.holds(box, at_s)]
            return there[0].known_state(box) if len(there) == 1 else None

        return known if not frame.standalone else nothing_known

    def update(
        self,
        frame: Frame,
        observations: Sequence[PlateObservation],
        rang: Mapping[int, bool] = NOBODY_ALERTED,
    ) -> Seen:
        """Add the plates seen in a frame, later than any before.

        ``rang`` are the numbers of the tracks that somebody was alerted for, and whether what was
        read of each bears that out by now: none of them is dropped in silence.
        """
        if frame.standalone:
            tracks = [Track.begin(next(self._numbers), frame, seen) for seen in observations]
            return Seen(ended=tuple(track.finish() for track in tracks))
        ended = list(self.expire(frame.at_s))
        tables = [table(seen.reading) for seen in observations]
        followed = self._assign(frame, observations, tables)
        added = []
        for index, seen in enumerate(observations):
            if index in followed:
                track = followed[index]
                track.add(frame, seen)
            else:
                track = self._begin(frame, seen, followed.values())
            added.append(track)
            if any(mark.frame == frame.index and iou(mark.box, seen.box) >= SAME_BOX
                   for mark in self._marks):  # fmt: skip
                track.silence()
        misread = self._drop_misread(added, rang)
        for track in self._tracks:
            if not track.given and frame.at_s - track.first_s >= self._longest_pass_s:
                ended.append(self._finish(track))
        under_way = tuple(track.sighting() for track in added if not track.given)
        return Seen(under_way, tuple(ended), misread)

    @property
    def under_way(self) -> frozenset[int]:
        """The numbers of the passes that are open, seen in the last frame or not."""
        return frozenset(track.number for track in self._tracks if not track.given)

    def expire(self, now_s: float) -> tuple[Pass, ...]:
        """End the passes of plates not seen for a while, when no frame comes to tell."""

        def gone(track: Track) -> bool:
            patience_s = self._remembered_s if track.given else self._lost_after_s
            return now_s - track.last.at_s > patience_s

        return self._end(gone)

    def flush(self) -> tuple[Pass, ...]:
        """End every pass still open, as at the end of the source; they are followed in silence."""
        return tuple(self._finish(track) for track in self._tracks if not track.given)

    def resume_from(
        self, next_frame: int, settled: Collection[int] = (), pending: Collection[int] = ()
    ) -> Resume:
        """Where to read a recording on from, so that every pass is recorded exactly once.

        That is where the oldest pass under way began. What ended or was given since is marked, and
        so is what is `settled` already; what ended and is still `pending` is read again. Both are
        the numbers of tracks, and none is in both.
        """
        silent = [t for t in self._tracks if t.given or t.number in settled]
        begun = [t.first_frame for t in self._tracks if not t.given and t.number not in settled]
        again = [t.first_frame for t in self._ended if t.number in pending]
        start = min([next_frame, *begun, *again, *(track.last_frame for track in silent)])
        known = {track.number: track for track in (*self._ended, *silent)}
        marks = (track.mark(start) for number, track in known.items() if number not in pending)
        return Resume(start, tuple(mark for mark in marks if mark is not None))

    def _end(self, ended: Callable[[Track], bool]) -> tuple[Pass, ...]:
        gone = [track for track in self._tracks if ended(track)]
        self._tracks = [track for track in self._tracks if not ended(track)]
        passes = tuple(self._finish(track) for track in gone if not track.given)
        needed = [t.last_frame if t.given else t.first_frame for t in (*gone, *self._tracks)]
        self._ended = [one for one in self._ended if one.last_frame >= min(needed, default=0)]
        return passes

    def _finish(self, track: Track) -> Pass:
        self._ended.append(track)
        return track.finish()

    def _assign(
        self, frame: Frame, observations: Sequence[PlateObservation], tables: Sequence[Table]
    ) -> dict[int, Track]:
        """Each plate's pass, by its place among the observations."""
        at_s = frame.at_s
        height, width = frame.image.shape[:2]
        texts = {
            (plate, place): track.text_likeness(observations[plate], read)
            for plate, read in enumerate(tables)
            for place, track in enumerate(self._tracks)
        }
        self._turn_with_camera(observations, texts, at_s)
        likeness = {
            (plate, place): text
            + self._tracks[place].place_likeness(observations[plate].box, at_s, (width, height))
            for (plate, place), text in texts.items()
            if self._may_be(self._tracks[place], frame, observations[plate])
        }
        return {plate: self._tracks[place] for plate, place in assign(likeness).items()}

    def _may_be(self, track: Track, frame: Frame, seen: PlateObservation) -> bool:
        """Whether a plate may be that of a pass: one given long ago is known by its place alone."""
        absent_s = frame.at_s - track.last.at_s
        return absent_s <= self._lost_after_s or track.stands_at(seen.box)

    def _turn_with_camera(
        self,
        observations: Sequence[PlateObservation],
        texts: dict[tuple[int, int], float],
        at_s: float,
    ) -> None:
        """Move what the passes expect by how far plates of sure text are from where they were."""
        sure = assign({pair: value for pair, value in texts.items() if value >= SURE_TEXT})
        residuals = []
        for plate, place in sure.items():
            x, y = observations[plate].box.center
            expected = self._tracks[place].motion.expected(at_s)
            residuals.append((x - expected.center_px[0], y - expected.center_px[1]))
        shift = camera_shift(residuals)
        if shift != (0.0, 0.0):
            for track in self._tracks:
                track.motion = track.motion.shifted(shift)

    def _begin(self, frame: Frame, seen: PlateObservation, followed: Collection[Track]) -> Track:
        track = Track.begin(next(self._numbers), frame, seen)
        at_s = frame.at_s
        for other in self._tracks:
            if other not in followed and other.holds(seen.box, at_s):
                track.contests = other.number
        self._tracks.append(track)
        return track

    def _drop_misread(
        self, added: Sequence[Track], rang: Mapping[int, bool]
    ) -> tuple[Misread, ...]:
        """Forget a doubtful plate in a pass's place once the pass itself is seen again.

        One that rang is handed to that pass, or stays where the pass rang rightly itself: then they
        may be two cars. What contested one that is dropped contests the pass itself.
        """
        seen = {track.number: track for track in added}
        dropped, handed = [], []
        heirs: dict[int | None, int] = {}
        for track in self._tracks:
            track.contests = heirs.get(track.contests, track.contests)
            its = seen.get(track.contests or 0)
            if (
                its is not None
                and track.number not in seen
                and not track.given
                and track.frames <= MOST_CONTESTING
                and track.sighting().reading.confidence < DOUBTFUL
            ):
                if track.number in rang:
                    voted = its.voted()
                    if voted is None or rang.get(its.number, False):
                        continue
                    handed.append(Misread(track.number, its.number, *voted, its.given))
                dropped.append(track)
                heirs[track.number] = its.number
        self._tracks = [track for track in self._tracks if track not in dropped]
        return tuple(handed)
