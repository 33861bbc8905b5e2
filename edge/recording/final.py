"""A pass that ended: its records, and what the officer is told of it only now; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.console.alerts import Standing, Told
from edge.contract.records import Hit, HotlistMatch
from edge.hotfile.alerts import Ring
from edge.pipeline import Draft
from edge.recording.ringing import MatchKey, Rung, key_of
from edge.spool.withheld import Withheld
from edge.vision.passes import Pass


@dataclass(frozen=True, slots=True)
class Final:
    """The records of a pass that ended; ``answers`` say what rings of what did not yet."""

    seen: Pass
    rung: Rung | None
    matches: tuple[HotlistMatch, ...]
    made: Draft
    withheld: Withheld | None
    answers: Mapping[MatchKey, Ring]

    @property
    def before(self) -> tuple[Hit, ...]:
        """The hits that rang before it ended."""
        return self.rung.hits if self.rung else ()

    @property
    def withdrawn(self) -> tuple[Hit, ...]:
        """Those of them that it does not match in the end."""
        return self.rung.withdrawn(self.matches) if self.rung else ()

    @property
    def ringing(self) -> tuple[HotlistMatch, ...]:
        """The matches that count as having rung with its records."""
        return tuple(one for one in self.matches if self.answers.get(key_of(one)) == "ring")

    def told(self, hits: Sequence[Hit], stands: Mapping[UUID, Standing]) -> Told:
        """What the officer is told with its new hits, and of what was taken back."""
        answers = {hit.id: self.answers[key_of(hit.match)] for hit in hits}
        return Told(
            rang=frozenset(hit.id for hit in self.before),
            withdrawn=self.withdrawn,
            now=self.rung.altered(self.matches) if self.rung else {},
            quiet={hit: answer for hit, answer in answers.items() if answer != "ring"},
            stands=stands,
        )
