"""The pictures that scenes are made of: photographs with boxes, and frames of drawn drives."""

from __future__ import annotations

import csv
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from demo_drive.drive import DriveOptions
from demo_drive.scene import Scene as DrawnStreet

STRETCHED = "openimages-plates"
"""The set whose pictures were stretched to squares, whatever their shape had been."""
PICTURE_SETS = (STRETCHED, "romanian-street")
SET_SHARES = {STRETCHED: 0.58, "romanian-street": 0.36}
DRIVE_SHARE = 0.06
HELD_OUT = 0.1
DRIVE_SEEDS = (101, 102, 103, 104, 105, 106)
"""Drives to learn from; the demo's own has another seed."""
FRAMES_PER_DRIVE = 10
SHAPES = ((4 / 3, 0.49), (3 / 2, 0.37), (16 / 9, 0.05), (1.0, 0.02), (3 / 4, 0.05), (2 / 3, 0.02))
"""Usual shapes of photographs, width over height, and about how many have each."""
PLATE_ASPECTS = (1.25, 4.9)
"""Width over height that the box of a plate seen in its true shape nearly always has."""

SLIMMEST_VEHICLE = 0.85

Boxes = NDArray[np.float32]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A picture, kept encoded, and its labels.

    `size` is width and height in its true shape; `stretch` the true width over the stored one.
    The boxes (n, 4: left, top, right, bottom) are in pixels of the true shape; `doubtful` ones
    may hold plates that nobody labelled. `exact` says that the corners of its plates are those of
    their boxes, as in drawn drives, whose plates all face the camera.
    """

    name: str
    encoded: bytes
    size: tuple[int, int]
    stretch: float
    plates: Boxes
    vehicles: Boxes
    doubtful: Boxes
    exact: bool = False

    @property
    def held_out(self) -> bool:
        """Whether it is kept for measuring: a fixed share, by the name alone."""
        return zlib.crc32(self.name.encode()) % 1000 < HELD_OUT * 1000

    def read(self, scale: float = 1.0) -> Picture:
        """The stored picture (h, w, 3) uint8 BGR, at half its size where `scale` allows it."""
        how = cv2.IMREAD_REDUCED_COLOR_2 if scale <= 0.5 else cv2.IMREAD_COLOR
        picture = cv2.imdecode(np.frombuffer(self.encoded, dtype=np.uint8), how)
        return np.asarray(picture, dtype=np.uint8)


def open_photos(
    data: Path, *, drives: Path | None = None, doubtful: Path | None = None
) -> tuple[Photo, ...]:
    """Every picture of the training sets in `data`, and frames of drawn drives.

    The frames are kept in the folder `drives`, drawn where it has none, which takes about a
    minute; without a folder there are none. `doubtful` is a CSV (name,x,y,w,h in stored pixels)
    of regions that nobody has settled. Raises FileNotFoundError where a set is missing and
    ValueError where a picture cannot be read.
    """
    regions = _rows(doubtful, "name") if doubtful else {}
    photos = []
    for name in PICTURE_SETS:
        labels = data / name / "boxes.csv"
        if not labels.is_file():
            raise FileNotFoundError(f"{labels} is missing: --data wants the training pictures")
        photos += _set(data / name, regions)
    if drives is not None:
        if not (drives / "boxes.csv").is_file():
            draw_drives(drives)
        photos += _set(drives, {})
    return tuple(photos)


def shares(photos: tuple[Photo, ...]) -> NDArray[np.float64]:
    """How often to take each photo, summing to 1: by what its set is worth, not by its size."""
    names = [photo.name.split("/")[0] for photo in photos]
    worth = np.array([SET_SHARES.get(name, DRIVE_SHARE) / names.count(name) for name in names])
    return np.asarray(worth / worth.sum(), dtype=np.float64)


def _set(folder: Path, regions: dict[str, list[dict[str, str]]]) -> list[Photo]:
    rows = _rows(folder / "boxes.csv", "file")
    return [_photo(folder, file, rows[file], regions) for file in sorted(rows)]


def _rows(path: Path, key: str) -> dict[str, list[dict[str, str]]]:
    found: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found[row[key]].append(row)
    return found


def as_boxes(rows: list[list[float]]) -> Boxes:
    """Rows of four numbers as an array (n, 4), also where there is none."""
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def _boxes(rows: list[dict[str, str]], kind: str | None, stretch: float) -> Boxes:
    corners = [
        [float(row["x"]), float(row["y"]), float(row["x"]) + float(row["w"]),
         float(row["y"]) + float(row["h"])]
        for row in rows
        if kind is None or row["kind"] == kind
    ]  # fmt: skip
    return as_boxes(corners) * np.array([stretch, 1, stretch, 1], dtype=np.float32)


def _photo(
    folder: Path, file: str, rows: list[dict[str, str]], regions: dict[str, list[dict[str, str]]]
) -> Photo:
    encoded = (folder / file).read_bytes()
    stored = cv2.imdecode(np.frombuffer(encoded, dtype=np.uint8), cv2.IMREAD_COLOR)
    if stored is None:
        raise ValueError(f"{folder / file} is not a picture")
    height, width = stored.shape[:2]
    name = f"{folder.name}/{file}"
    stretch = 1.0
    if folder.name == STRETCHED:
        stretch = _likely_shape(name, *(_boxes(rows, k, 1.0) for k in ("plate", "vehicle")))
        stretch *= height / width
    return Photo(
        name,
        encoded,
        (round(width * stretch), height),
        stretch,
        _boxes(rows, "plate", stretch),
        _boxes(rows, "vehicle", stretch),
        _boxes(regions.get(name, []), None, stretch),
        exact=folder.name not in PICTURE_SETS,
    )


def _likely_shape(name: str, plates: Boxes, vehicles: Boxes) -> float:
    """The shape that a stretched picture had, by what makes its plates and cars look like ones.

    Where several do, the name decides, so that a picture always has the same.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shapes, weights = (np.array(column) for column in zip(*SHAPES, strict=True))
    if len(vehicles):
        size = vehicles[:, 2:] - vehicles[:, :2]
        largest = size[np.argmax(size[:, 0])]
        weights = weights * (largest[0] / largest[1] * shapes >= SLIMMEST_VEHICLE)
        weights = weights if weights.any() else np.array([1.0] + [0.0] * (len(shapes) - 1))
    if len(plates):
        size = plates[:, 2:] - plates[:, :2]
        largest = size[np.argmax(size[:, 0])]
        aspects = largest[0] / max(float(largest[1]), 1.0) * shapes
        fits = (aspects >= PLATE_ASPECTS[0]) & (aspects <= PLATE_ASPECTS[1])
        if (fits * weights).any():
            weights = weights * fits
        else:
            nearest = np.abs(np.log(aspects / 2.2)).argmin()
            weights = (np.arange(len(shapes)) == nearest).astype(np.float64)
    return float(rng.choice(shapes, p=weights / weights.sum()))


def draw_drives(folder: Path) -> None:
    """Write frames of drawn drives as JPEG, and their plates as boxes.csv, which comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["file,kind,x,y,w,h"]
    for seed in DRIVE_SEEDS:
        options = DriveOptions(seed=seed)
        street = DrawnStreet(seed, options.cars, options.motion)
        step = options.frames // FRAMES_PER_DRIVE
        for index in range(seed % step, options.frames, step):
            frame = street.frame(index, index / options.frames_per_s)
            file = f"{seed}-{index:03d}.jpg"
            cv2.imwrite(str(folder / file), frame.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
            lines += [f"{file},plate,{b.x},{b.y},{b.w},{b.h}" for b in frame.boxes.values()]
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
