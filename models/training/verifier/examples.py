"""Examples on disk: for each picture one file of patches and what they are.

Making them takes minutes, and training starts over often: a picture whose file is there is not
made again. The folder may be deleted at any time.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from demo_drive.drive import DriveOptions
from demo_drive.scene import Scene
from edge.vision.geometry import Box, Corners, grown, oriented_rectangle
from edge.vision.verifier import PATCH_HEIGHT_PX, PATCH_WIDTH_PX, cut_upright, patch_corners

from .candidates import (
    MIN_PLATE_WIDTH_PX,
    Candidate,
    TextSearch,
    candidates,
    labelled_pictures,
    read_bgr,
)
from .drawings import plate_over, word_over

MARGIN = 1.625
"""How much larger than the network's patch an example is, for shifts, turns and scales."""
EXAMPLE_WIDTH_PX = round(PATCH_WIDTH_PX * MARGIN)
EXAMPLE_HEIGHT_PX = round(PATCH_HEIGHT_PX * MARGIN)

PICTURE_SETS = ("openimages-plates", "romanian-street")
DRIVE_SEEDS = (101, 102, 103, 104, 105, 106)
DRIVE_STEP = 7
HELD_OUT = 0.15
DRAWN_PLATES = 2
DRAWN_WORDS = 4
BACKGROUNDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Patches (n, 104, 208, 3) uint8 BGR, whether each is of a plate, and which were drawn."""

    patches: NDArray[np.uint8]
    is_plate: NDArray[np.bool_]
    drawn: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Source:
    """A picture or a drive to take examples from; its name says where they go."""

    name: str
    path: Path | None = None
    plates: tuple[Box, ...] = ()
    vehicles: tuple[Box, ...] = ()
    drive_seed: int | None = None

    @property
    def held_out(self) -> bool:
        """Whether it is kept for measuring: a fixed share, by the name alone."""
        if self.drive_seed is not None:
            return self.drive_seed == DRIVE_SEEDS[-1]
        return zlib.crc32(self.name.encode()) % 1000 < HELD_OUT * 1000


def sources(data: Path) -> list[Source]:
    """Every picture of the training sets and every drive.

    Raises FileNotFoundError where a set is missing.
    """
    found = [
        Source(f"{folder}-{picture.path.stem}", picture.path, picture.plates, picture.vehicles)
        for folder in PICTURE_SETS
        for picture in labelled_pictures(data / folder)
    ]
    return found + [Source(f"drive-{seed}", drive_seed=seed) for seed in DRIVE_SEEDS]


def make_missing(wanted: list[Source], cache: Path, seed: int, say: Callable[[str], None]) -> None:
    """Make the examples of every source that has none in `cache` yet, on every core."""
    cache.mkdir(parents=True, exist_ok=True)
    missing = [source for source in wanted if not _file(cache, source).exists()]
    if not missing:
        return
    missing.sort(key=lambda source: source.drive_seed is None)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        make = partial(_make, cache=cache, seed=seed)
        for done, _ in enumerate(workers.map(make, missing, chunksize=4), start=1):
            if done % 50 == 0 or done == len(missing):
                say(f"examples of {done} of {len(missing)} pictures and drives")


def load(wanted: list[Source], cache: Path) -> Examples:
    """The examples of the sources, which must have been made."""
    files = [np.load(_file(cache, source)) for source in wanted]
    return Examples(
        *(np.concatenate([file[key] for file in files]) for key in ("patches", "is_plate", "drawn"))
    )


def _file(cache: Path, source: Source) -> Path:
    return cache / f"{source.name}.npz"


_search: TextSearch | None = None


def _make(source: Source, *, cache: Path, seed: int) -> None:
    global _search
    cv2.setNumThreads(1)
    _search = _search or TextSearch()
    rng = np.random.default_rng([seed, zlib.crc32(source.name.encode())])
    made = list(
        _drive_examples(_search, source.drive_seed)
        if source.drive_seed is not None
        else _picture_examples(_search, source, rng)
    )
    patches = [patch for patch, _, _ in made]
    path = _file(cache, source)
    partial_path = path.with_suffix(".partial")
    with partial_path.open("wb") as out:
        np.savez(
            out,
            patches=np.array(patches, dtype=np.uint8).reshape(
                -1, EXAMPLE_HEIGHT_PX, EXAMPLE_WIDTH_PX, 3
            ),
            is_plate=np.array([is_plate for _, is_plate, _ in made], dtype=np.bool_),
            drawn=np.array([drawn for _, _, drawn in made], dtype=np.bool_),
        )
    partial_path.replace(path)


Made = tuple[NDArray[np.uint8], bool, bool]


def _cut(image: NDArray[np.uint8], outline: Corners) -> NDArray[np.uint8]:
    corners = grown(patch_corners(outline), MARGIN)
    return cut_upright(image, corners, (EXAMPLE_WIDTH_PX, EXAMPLE_HEIGHT_PX))


def _picture_examples(
    search: TextSearch, source: Source, rng: np.random.Generator
) -> Iterator[Made]:
    assert source.path is not None  # noqa: S101
    image = read_bgr(source.path)
    found = list(candidates(search, image, source.plates, complete=False))
    for candidate in found:
        yield _cut(image, candidate.outline), candidate.is_plate, False
    for plate in source.plates:
        for _ in range(DRAWN_PLATES * (plate.w >= MIN_PLATE_WIDTH_PX)):
            laid, outline = plate_over(rng, image, plate)
            yield _cut(laid, outline), True, True
    for _ in range(DRAWN_WORDS):
        worded = word_over(rng, image, source.vehicles, source.plates)
        if worded is not None:
            yield _cut(*worded), False, True
    for outline in _backgrounds(rng, image, source.plates):
        yield _cut(image, outline), False, False


def _backgrounds(
    rng: np.random.Generator, image: NDArray[np.uint8], plates: tuple[Box, ...]
) -> Iterator[Corners]:
    """Outlines anywhere but on a plate."""
    height, width = image.shape[:2]
    for _ in range(BACKGROUNDS):
        w = float(rng.uniform(0.05, 0.3)) * width
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if not any(abs(x - p.center[0]) < w / 2 + p.w and abs(y - p.center[1]) < w / 4 + p.h
                   for p in plates):  # fmt: skip
            yield oriented_rectangle((x, y), (w, w / 2), np.array([1.0, 0.0]))


def _drive_examples(search: TextSearch, seed: int) -> Iterator[Made]:
    options = DriveOptions(seed=seed)
    scene = Scene(seed, options.cars, options.motion)
    for index in range(seed % DRIVE_STEP, options.frames, DRIVE_STEP):
        frame = scene.frame(index, index / options.frames_per_s)
        boxes = tuple(Box(b.x, b.y, b.w, b.h) for b in frame.boxes.values())
        found: list[Candidate] = list(candidates(search, frame.image, boxes, complete=False))
        for candidate in found:
            yield _cut(frame.image, candidate.outline), candidate.is_plate, True
