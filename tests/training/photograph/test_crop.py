"""Photographs of plates: what a seed fixes, what the strengths mean, what stays in sight."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.training.photograph import covers, optics
from models.training.photograph.backgrounds import load_patches
from models.training.photograph.crop import photograph, surface
from models.training.plates.plate import DrawnPlate

DATA = Path(__file__).parents[4] / "shared" / "data" / "train"


def plate(height: int = 300, width: int = 600) -> DrawnPlate:
    picture = np.full((height, width, 4), 255, dtype=np.uint8)
    boxes = []
    for index in range(6):
        x, y, w, h = 40 + index * (width - 80) // 6, height // 4, width // 12, height // 2
        cv2.rectangle(picture, (x, y), (x + w - 1, y + h - 1), (40, 20, 20, 255), -1)
        boxes.append((x, y, w, h))
    return DrawnPlate(picture, "111111", "MA", "passenger", tuple(boxes))


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_seed_fixes_a_photograph(strength: float) -> None:
    first, again = (photograph(np.random.default_rng(7), plate(), strength) for _ in range(2))
    other = photograph(np.random.default_rng(8), plate(), strength)
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_photographs_are_as_large_as_plates_are_on_the_road() -> None:
    rng = np.random.default_rng(1)
    widths = [photograph(rng, plate()).shape[1] for _ in range(150)]
    assert min(widths) >= 30
    assert max(widths) <= 440
    assert 60 <= np.median(widths) <= 160


def test_without_strength_a_photograph_shows_the_plate_as_it_is() -> None:
    drawn = plate()
    crop = photograph(np.random.default_rng(2), drawn, 0.0)
    height, width = crop.shape[:2]
    assert abs(width / height - 2) < 0.05
    expected = cv2.resize(drawn.picture[..., :3], (width, height), interpolation=cv2.INTER_AREA)
    inner = (slice(height // 10, -height // 10), slice(width // 20, -width // 20))
    difference = np.abs(crop[inner].astype(int) - expected[inner])
    assert difference.mean() < 8


def test_nothing_lives_on_a_plate_without_strength() -> None:
    drawn = plate()
    assert surface(np.random.default_rng(0), drawn, 0.0) is drawn


def test_what_lives_on_a_plate_leaves_it_flat_and_its_characters_where_they_say() -> None:
    rng = np.random.default_rng(3)
    for drawn in (plate(), plate(200, 300), plate(120, 520)):
        for _ in range(25):
            worn = surface(rng, drawn, 1.0)
            assert worn.picture.dtype == np.uint8
            assert worn.picture.shape[2] == 4
            grown = np.array(worn.picture.shape[:2]) - drawn.picture.shape[:2]
            assert (grown >= 0).all()
            moved = [
                (new[0] - old[0], new[1] - old[1], new[2:] == old[2:])
                for new, old in zip(worn.characters, drawn.characters, strict=True)
            ]
            assert set(moved) == {(grown[1] // 2, grown[0] // 2, True)}


def test_a_frame_leaves_the_upper_part_of_the_characters_in_sight() -> None:
    rng = np.random.default_rng(4)
    drawn = plate()
    for _ in range(60):
        framed, (right, down) = covers.framed(rng, drawn.picture, drawn.characters, 1.0)
        for x, y, w, h in drawn.characters:
            rows = slice(down + y, down + y + h * 3 // 4)
            columns = slice(right + x, right + x + w)
            assert np.array_equal(
                framed[rows, columns], drawn.picture[y : y + h * 3 // 4, x : x + w]
            )


def test_an_outline_turned_to_the_side_is_higher_at_its_near_edge() -> None:
    corners = optics.outline(2.0, 100.0, (40.0, 0.0, 0.0), 3.0)
    left, right = corners[3, 1] - corners[0, 1], corners[2, 1] - corners[1, 1]
    assert abs(left - right) > 5
    across = (corners[1] + corners[2] - corners[0] - corners[3]) / 2
    assert np.linalg.norm(across) == pytest.approx(100.0, abs=0.01)


def test_a_movement_spreads_light_without_losing_any() -> None:
    kernel = optics.motion_kernel(6.0, 0.0)
    assert kernel.sum() == pytest.approx(1.0)
    middle = kernel.shape[0] // 2
    assert kernel[middle].sum() == pytest.approx(1.0)


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"boxes\.csv is missing"):
        load_patches(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="no pictures at ../shared/data/train")
def test_patches_of_pictures_serve_as_backgrounds() -> None:
    patches = load_patches(DATA, count=6)
    assert patches
    assert {patch.shape for patch in patches} == {(200, 300, 3)}
    assert photograph(np.random.default_rng(0), plate(), 1.0, patches).shape[2] == 3
