"""Whether a camera's picture is sound: not frozen, dark, covered, blurred or shifted. No I/O.

Fed with the glance of a frame about once a second. Each fault must last before it is believed and
be gone for a while before it is over; evidence that could not be told counts as neither. A graver
fault hides the lesser: of a covered lens nobody is told that it is blurred too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2

from edge.vision.aim_reference import AimReference
from edge.vision.camera_settings import CameraSettings
from edge.vision.picture_health_aim import Aim
from edge.vision.picture_health_evidence import LostPart, Repeats, Sharpness, structured
from edge.vision.picture_health_glance import Glance
from edge.vision.picture_health_lasting import Lasting
from edge.vision.picture_health_sentences import PictureFault, sentence

_HIDES_OTHERS: Final = ("frozen", "blank", "dark", "covered")
_LONGEST_STEP_S: Final = 5.0
_BLIND, _SEES = 0.08, 0.2
_DARK = 30.0
_BRIGHT = 60.0
_NO_NOISE = 6
_SUDDEN_S = 60.0
_MOVING = 4.0
_PLATE_COUNTS_S = 30.0
_SHARP_AGAIN = 1.15
_ELSEWHERE_IN_SHIFTS = 5.0


class PictureHealth:
    """Judges one camera's picture from its glances; used by one thread."""

    def __init__(self, camera: CameraSettings, reference: AimReference | None) -> None:
        """Without a `reference` the picture is not compared with an aim check."""
        self._camera = camera
        rule = camera.picture
        well_s = rule.well_after_s
        self._faults: dict[PictureFault, Lasting] = {
            "frozen": Lasting(rule.frozen_after_s, well_s, forgiving=False),
            "blank": Lasting(rule.covered_after_s, well_s, forgiving=False),
            "dark": Lasting(rule.dark_after_s, well_s, forgiving=False),
            "covered": Lasting(rule.covered_after_s, well_s),
            "partly-covered": Lasting(rule.partly_after_s, well_s),
            "blurred": Lasting(rule.blurred_after_s, well_s),
            "shifted": Lasting(rule.shifted_after_s, well_s),
            "elsewhere": Lasting(_ELSEWHERE_IN_SHIFTS * rule.shifted_after_s, well_s),
        }
        self._repeats = Repeats()
        self._lost_part = LostPart()
        self._sharpness = Sharpness()
        self._looked_s: float | None = None
        self._bright_s = self._plate_s = float("-inf")
        self._dark_since_s: float | None = None
        self._before: Glance | None = None
        self.aimed(reference)

    def aimed(self, reference: AimReference | None) -> None:
        """The aim was checked: from now on the picture is compared with this one."""
        self._reference = reference
        judged_by_it: tuple[PictureFault, ...] = ("blurred", "shifted", "elsewhere")
        for fault in judged_by_it:
            self._faults[fault].reset()
        self._aim: Aim | None = None
        if reference is not None and (self._camera.kind == "fixed" or self._camera.steady):
            self._aim = Aim(reference, self._camera.picture.shifted_from, self._camera.steady)

    def plate_seen(self, now_s: float) -> None:
        """A plate was read: whatever the picture looks like, the lens is not covered."""
        self._plate_s = now_s

    def look(self, now_s: float, seen: Glance) -> Mapping[PictureFault, str]:
        """Take the next glance; the faults that stand now, each with what to do about it."""
        last_s, self._looked_s = self._looked_s, now_s
        elapsed_s = min(now_s - last_s, _LONGEST_STEP_S) if last_s is not None else 0.0
        for fault, bad in self._evidence(now_s, elapsed_s, seen).items():
            self._faults[fault].add(bad, elapsed_s)
        self._before = seen
        standing = [fault for fault, one in self._faults.items() if one.stands]
        hiding = [fault for fault in standing if fault in _HIDES_OTHERS]
        return {
            fault: sentence(
                fault, self._camera, self._reference, self._aim.shift if self._aim else None
            )
            for fault in (hiding[:1] or standing)
        }

    def _evidence(
        self, now_s: float, elapsed_s: float, seen: Glance
    ) -> dict[PictureFault, bool | None]:
        """What this glance says of each fault: there, not there, or nothing."""
        structure = float(structured(seen).mean())
        level = float(seen.small.mean())
        blank = seen.spread <= _NO_NOISE
        blind = structure < _BLIND
        repeated = self._repeats.judge(seen)
        covered, dark = self._unlit(now_s, level, blind=blind, sees=structure >= _SEES)
        evidence: dict[PictureFault, bool | None] = {
            "frozen": repeated,
            "blank": blank,
            "dark": None if blank else dark,
            "covered": None if blank else covered,
            "partly-covered": None,
            "blurred": None,
            "shifted": None,
            "elsewhere": None,
        }
        if repeated or blank or blind:
            if self._aim is not None:
                self._aim.forget()
            return evidence
        lost = self._lost_part.judge(seen, level, elapsed_s)
        if self._camera.kind == "fixed" or not lost or self._moves(seen):
            evidence["partly-covered"] = lost
        evidence["blurred"] = self._blurred(seen, elapsed_s)
        if self._aim is not None:
            shifted, elsewhere = self._aim.judge(seen.small, elapsed_s)
            evidence["shifted"], evidence["elsewhere"] = shifted, elsewhere
        return evidence

    def _unlit(
        self, now_s: float, level: float, *, blind: bool, sees: bool
    ) -> tuple[bool | None, bool | None]:
        """Whether the lens is covered, and whether it has only been dark for too long.

        Darkness alone is no fault at night. Where it comes at once upon a fixed camera's daylight,
        something was put before the lens. Plates throw the camera's own light back in the dark.
        """
        if sees or now_s - self._plate_s < _PLATE_COUNTS_S:
            if level >= _BRIGHT:
                self._bright_s = now_s
            self._dark_since_s = None
            return False, False
        if not blind:
            return None, None
        if level >= _DARK:
            return True, False
        if self._dark_since_s is None:
            self._dark_since_s = now_s
        sudden = self._dark_since_s - self._bright_s < _SUDDEN_S
        return (True if sudden and self._camera.kind == "fixed" else None), True

    def _moves(self, seen: Glance) -> bool:
        """Whether the vehicle drives: parked before a wall or a lorry nothing can be told."""
        before = self._before
        if before is None or before.small.shape != seen.small.shape:
            return False
        return float(cv2.absdiff(seen.small, before.small).mean()) >= _MOVING

    def _blurred(self, seen: Glance, elapsed_s: float) -> bool | None:
        """Whether the last minute's picture is less sharp than at the aim check or in the past."""
        now = self._sharpness.now(seen, elapsed_s)
        checked = self._reference.sharpness if self._reference is not None else None
        known = [one for one in (checked, self._sharpness.past) if one is not None]
        if now is None or not known:
            return None
        share, below = now / max(known), self._camera.picture.blurred_below
        if share < below:
            return True
        return False if share >= _SHARP_AGAIN * below else None
