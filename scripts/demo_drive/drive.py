"""Write a whole drive to a folder: the video, what is true of it, a hot list and the GPS log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from .hotlist import Listed, make_hotlist, write_hotlist
from .projection import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from .scene import Frame, PlateBox, Scene
from .track import Motion, TrackPoint, nmea_text, track

VIDEO_NAME = "drive.mp4"
TRUTH_NAME = "truth.json"
HOTLIST_NAME = "hotlist.csv"
NMEA_NAME = "drive.nmea"
_CODEC = "mp4v"


@dataclass(frozen=True)
class DriveOptions:
    """What kind of drive to make."""

    seed: int = 7
    cars: int = 11
    frames: int = 125
    frames_per_s: float = 5.0
    started: datetime = datetime(2026, 6, 12, 14, 5, 0, tzinfo=UTC)

    @property
    def motion(self) -> Motion:
        """The camera's motion from the first frame to the last."""
        return Motion((self.frames - 1) / self.frames_per_s)


FULL = DriveOptions()
SHORT = replace(FULL, cars=4, frames=25)
"""Long enough for four cars to pass; for tests."""


@dataclass(frozen=True)
class CarFacts:
    """What is true of one car of the drive."""

    plate: str
    state: str
    boxes: dict[int, PlateBox]
    """By frame number from 0: where the whole plate can be seen."""

    @property
    def first_frame(self) -> int:
        """The first frame in which the whole plate can be seen."""
        return min(self.boxes)

    @property
    def last_frame(self) -> int:
        """The last such frame."""
        return max(self.boxes)

    @property
    def widest_px(self) -> int:
        """The plate's width where it is seen largest."""
        return max(box.w for box in self.boxes.values())


@dataclass(frozen=True)
class DriveFacts:
    """Where the drive lies, and everything true of it."""

    folder: Path
    options: DriveOptions
    cars: list[CarFacts]
    """In the order in which their plates first come into view."""
    listed: list[Listed]
    """The two plates that the hot list has: one as printed, one with a letter for a digit."""
    track: list[TrackPoint]
    """Once a second."""

    @property
    def video(self) -> Path:
        """The video: MPEG-4 part 2, 1280 by 720."""
        return self.folder / VIDEO_NAME

    @property
    def hotlist(self) -> Path:
        """CSV: plate, state, kind, priority, entered, expires, note."""
        return self.folder / HOTLIST_NAME

    @property
    def nmea(self) -> Path:
        """The GPS log, one line a sentence."""
        return self.folder / NMEA_NAME


def draw_frames(options: DriveOptions) -> Iterator[Frame]:
    """The drive's frames in order, each with the boxes of the plates in it.

    Raises:
        ValueError: the cars do not fit on the way driven.
    """
    scene = Scene(options.seed, options.cars, options.motion)
    for index in range(options.frames):
        yield scene.frame(index, index / options.frames_per_s)


def write_drive(folder: Path, options: DriveOptions = FULL) -> DriveFacts:
    """Draw a drive and write drive.mp4, truth.json, hotlist.csv and drive.nmea into `folder`.

    Equal options make an equal drive.

    Raises:
        ValueError: the cars do not fit on the way driven, or a car's plate is never in view.
        OSError: the folder cannot be written, or OpenCV has no encoder for the video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scene = Scene(options.seed, options.cars, options.motion)
    boxes = _write_video(folder / VIDEO_NAME, scene, options)
    unseen = [plate.serial for plate in scene.plates if not boxes[plate.serial]]
    if unseen:
        raise ValueError(
            f"frames: {len(unseen)} of {options.cars} cars are never in view; ask for more frames"
        )
    cars = [CarFacts(plate.serial, plate.state, boxes[plate.serial]) for plate in scene.plates]
    cars.sort(key=lambda car: car.first_frame)
    rng = np.random.default_rng([options.seed, 5])
    entries, listed = make_hotlist(rng, scene.plates, options.started)
    write_hotlist(folder / HOTLIST_NAME, entries)
    points = track(options.motion, options.started)
    (folder / NMEA_NAME).write_text(nmea_text(points), encoding="ascii", newline="")
    facts = DriveFacts(folder, options, cars, listed, points)
    (folder / TRUTH_NAME).write_text(json.dumps(_truth(facts), indent=1), encoding="utf-8")
    return facts


def _write_video(path: Path, scene: Scene, options: DriveOptions) -> dict[str, dict[int, PlateBox]]:
    """Draw and encode every frame; return each plate's boxes by frame number."""
    boxes: dict[str, dict[int, PlateBox]] = {plate.serial: {} for plate in scene.plates}
    size = (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
    fourcc = cv2.VideoWriter.fourcc(*_CODEC)
    writer = cv2.VideoWriter(str(path), fourcc, options.frames_per_s, size)
    try:
        if not writer.isOpened():
            raise OSError(f"{path}: OpenCV cannot write this video; install opencv-python-headless")
        for index in range(options.frames):
            frame = scene.frame(index, index / options.frames_per_s)
            writer.write(frame.image)
            for serial, box in frame.boxes.items():
                boxes[serial][index] = box
    finally:
        writer.release()
    return boxes


def _truth(facts: DriveFacts) -> dict[str, object]:
    options = facts.options
    return {
        "note": "Drawn. Every serial is made up; a likeness to an issued plate is chance.",
        "seed": options.seed,
        "frames": options.frames,
        "frames_per_s": options.frames_per_s,
        "started": options.started.isoformat(),
        "video": VIDEO_NAME,
        "listed": [asdict(listed) | {"exact": listed.exact} for listed in facts.listed],
        "cars": [
            {
                "plate": car.plate,
                "state": car.state,
                "first_frame": car.first_frame,
                "last_frame": car.last_frame,
                "boxes": {str(i): [b.x, b.y, b.w, b.h] for i, b in car.boxes.items()},
            }
            for car in facts.cars
        ],
    }
