"""What the records of one camera's passes are made of: matches, id and moment, pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge.contract import records
from edge.contract.records import HotlistMatch
from edge.pipeline import Draft, Moment, characters_of, draft
from edge.recording.recorder import Recorder
from edge.recording.ringing import Rung
from edge.vision.encode import encode_patch, encode_scene
from edge.vision.passes import Sighting


class PassDrafts:
    """Makes the drafts of what one camera sees; nothing is stored here."""

    def __init__(self, recorder: Recorder, camera: str) -> None:
        self._shared = recorder
        self._camera = camera

    def matches(self, seen: Sighting) -> tuple[HotlistMatch, ...]:
        """What the plate read matches in the lists in use, most urgent first."""
        reading = seen.reading
        return self._shared.hotlists.current.match(
            reading.text, characters_of(reading), reading.state.code, seen.last.at
        )

    def begun(self, seen: Sighting, *, at_best: bool = False) -> Rung:
        """The id, moment and place that the records of a pass get with this sighting of it."""
        shared = self._shared
        captured = seen.best_frame.captured if at_best else seen.last
        read = records.mint_id(captured.at, shared.random_bytes)
        return Rung(read, Moment(captured, shared.position.at(captured.at_s)))

    def draft(
        self,
        seen: Sighting,
        rung: Rung,
        matches: Sequence[HotlistMatch],
        telling: Sequence[HotlistMatch],
        rings: Callable[[HotlistMatch], bool],
    ) -> Draft:
        """The read with its ``matches``, and a hit for each of ``telling``."""
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
