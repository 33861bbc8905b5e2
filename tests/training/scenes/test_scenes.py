"""Scenes for the detector: labels lie on what they name, and a seed fixes everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.scenes import closeup, place, textures
from models.training.scenes import compose as composing
from models.training.scenes import photos as opening
from models.training.scenes.compose import Scene, compose
from models.training.scenes.photos import Photo, as_boxes, open_photos, shares

DATA = Path(__file__).parents[4] / "shared" / "data" / "train"
SIZE = (320, 192)
MAGENTA = (255, 0, 255)


def photo(name: str = "openimages-plates/one.jpg", *, plates: bool = True) -> Photo:
    """A grey car with a white plate on a green field."""
    image = np.full((416, 416, 3), (40, 110, 60), dtype=np.uint8)
    cv2.rectangle(image, (60, 100), (340, 340), (90, 90, 90), -1)
    boxes = []
    if plates:
        cv2.rectangle(image, (165, 250), (244, 289), (250, 250, 250), -1)
        cv2.putText(image, "7XK 921", (170, 277), 0, 0.6, (20, 20, 20), 2)
        boxes = [[165.0, 250.0, 245.0, 290.0]]
    _, data = cv2.imencode(".png", image)
    return Photo(
        name, data.tobytes(), (554, 416), 4 / 3,
        as_boxes(boxes) * np.float32([4 / 3, 1, 4 / 3, 1]),
        as_boxes([[80.0, 100.0, 455.0, 340.0]]), as_boxes([]),
    )  # fmt: skip


def stock(ink: tuple[int, int, int] = MAGENTA) -> textures.Textures:
    """One even texture of each kind: plates in `ink`, signs black."""
    made = []
    for kind in range(4):
        picture = np.full((60, 120, 4), 255, dtype=np.uint8)
        picture[..., :3] = ink if kind in (textures.PLATE, textures.FOREIGN_PLATE) else 0
        made.append(picture)
    return textures.Textures(
        np.concatenate([picture.ravel() for picture in made]),
        np.arange(4) * 60 * 120 * 4,
        np.array([(60, 120)] * 4),
        np.arange(4),
    )


def scenes(count: int, seed: int = 0, **options: bool) -> Iterator[Scene]:
    rng = np.random.default_rng(seed)
    one = photo(**options)
    for _ in range(count):
        yield compose(rng, one, SIZE, stock())


def filled(corners: NDArray[np.float32], grow: float = 1.0) -> NDArray[np.bool_]:
    middle = corners.mean(axis=0)
    mask = np.zeros(SIZE[::-1], dtype=np.uint8)
    cv2.fillConvexPoly(mask, np.round((corners - middle) * grow + middle).astype(np.int32), 1)
    return mask.astype(bool)


def test_a_seed_fixes_a_scene() -> None:
    for first, again in zip(scenes(12, 5), scenes(12, 5), strict=True):
        assert np.array_equal(first.image, again.image)
        assert len(first.plates) == len(again.plates)
        assert all(np.array_equal(a, b) for a, b in zip(first.plates, again.plates, strict=True))


def test_scenes_have_the_size_asked_for_and_their_labels_inside() -> None:
    width, height = SIZE
    for scene in scenes(40):
        assert scene.image.shape == (height, width, 3)
        assert scene.image.dtype == np.uint8
        assert len(scene.box_only) == len(scene.plates)
        for corners in scene.plates:
            assert corners.shape == (4, 2)
            assert corners.dtype == np.float32
            assert (corners >= 0).all()
            assert (corners <= (width, height)).all()
            assert cv2.contourArea(corners, oriented=True) > 0, "not clockwise"
        for left, top, right, bottom in scene.ignore:
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height


def test_the_corners_of_a_drawn_plate_hold_it_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(composing, "changed", lambda rng, image, plates: image)
    monkeypatch.setattr(
        closeup, "background", lambda rng, size, patches: np.full((*size, 3), 90, np.float32)
    )
    seen = 0
    for scene in scenes(60, 1):
        drawn = [
            c for c, box_only in zip(scene.plates, scene.box_only, strict=True) if not box_only
        ]
        image = scene.image.astype(int)
        magenta = (image[..., 0] + image[..., 2] - 2 * image[..., 1]) > 60
        anywhere = np.zeros(SIZE[::-1], dtype=bool)
        for corners in drawn:
            assert magenta[filled(corners, 0.85)].mean() > 0.9
            anywhere |= filled(corners, 1.3)
            seen += 1
        for left, top, right, bottom in scene.ignore:
            anywhere[int(top) : int(bottom) + 1, int(left) : int(right) + 1] = True
        assert magenta[~anywhere].sum() < 80
    assert seen > 15


def test_a_real_plate_that_stays_has_only_a_box() -> None:
    kept = [
        corners
        for scene in scenes(60, 2)
        for corners, box_only in zip(scene.plates, scene.box_only, strict=True)
        if box_only
    ]
    assert kept
    for corners in kept:
        assert np.array_equal(corners[0], corners.min(axis=0))
        assert np.array_equal(corners[2], corners.max(axis=0))


def test_a_vehicle_without_a_labelled_plate_is_in_doubt() -> None:
    doubted = [bool(scene.ignore) for scene in scenes(30, 3, plates=False) if not scene.plates]
    assert doubted
    assert np.mean(doubted) > 0.7


def test_an_erased_plate_leaves_what_is_around_it() -> None:
    image = np.full((100, 200, 3), 90, dtype=np.uint8)
    image[40:60, 80:120] = 255
    place.erase(np.random.default_rng(0), image, np.float32([80, 40, 120, 60]))
    assert np.abs(image[42:58, 82:118].astype(int) - 90).max() < 25


def test_the_look_of_a_plate_is_that_of_its_ground_its_ink_and_its_edges() -> None:
    image = np.full((60, 120, 3), 200, dtype=np.uint8)
    for x in range(12, 110, 16):
        image[15:45, x : x + 6] = 40
    sharp = place.look_of_plate(image, np.float32([0, 0, 120, 60]), coloured=False)
    soft = place.look_of_plate(
        np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8),
        np.float32([0, 0, 120, 60]), coloured=False,
    )  # fmt: skip
    assert sharp is not None
    assert soft is not None
    assert sharp.bright == pytest.approx([200] * 3, abs=3)
    assert sharp.dark == pytest.approx([40] * 3, abs=3)
    assert sharp.blur_px < 0.6 < 1.0 < soft.blur_px < 2.0


def test_a_stock_of_textures_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def draw(rng: np.random.Generator, kind: int) -> NDArray[np.uint8]:
        drawn.append(kind)
        return np.full((20 + kind, 50, 4), kind + rng.integers(100), dtype=np.uint8)

    monkeypatch.setattr(textures, "draw_texture", draw)
    first = textures.make(10, tmp_path, 3)
    count = len(drawn)
    again = textures.make(10, tmp_path, 3)
    assert len(drawn) == count
    assert np.array_equal(first.pixels, again.pixels)
    for kind in range(4):
        assert first.pick(np.random.default_rng(0), kind).shape == (20 + kind, 50, 4)
    textures.make(10, tmp_path, 4)
    assert len(drawn) == 2 * count


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"boxes\.csv is missing"):
        open_photos(tmp_path)


def test_pictures_are_read_with_their_labels_in_true_shape(tmp_path: Path) -> None:
    for folder, size in (("openimages-plates", (416, 416)), ("romanian-street", (1280, 720))):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.jpg"), np.zeros((size[1], size[0], 3), np.uint8))
        rows = "file,kind,x,y,w,h\na.jpg,plate,100,200,60,40\na.jpg,vehicle,50,50,250,250\n"
        (tmp_path / folder / "boxes.csv").write_text(rows)
    doubtful = tmp_path / "doubtful.csv"
    doubtful.write_text("name,x,y,w,h\nromanian-street/a.jpg,1,2,3,4\n")
    stretched, street = open_photos(tmp_path, doubtful=doubtful)
    assert stretched.size[0] / 416 == pytest.approx(stretched.stretch, abs=0.01)
    assert stretched.plates[0] == pytest.approx(
        [100 * stretched.stretch, 200, 160 * stretched.stretch, 240]
    )
    assert street.size == (1280, 720)
    assert street.doubtful.tolist() == [[1, 2, 4, 6]]
    assert street.read(0.4).shape == (360, 640, 3)


def test_every_set_has_its_share_however_many_pictures_it_has() -> None:
    taken = shares((photo("openimages-plates/a"), photo("romanian-street/a"),
                    photo("romanian-street/b"), photo("drives/a")))  # fmt: skip
    assert taken.sum() == pytest.approx(1)
    assert taken[1] + taken[2] == pytest.approx(opening.SET_SHARES["romanian-street"])
    assert taken[1] == taken[2]


@pytest.mark.skipif(not DATA.is_dir(), reason="no pictures at ../shared/data/train")
def test_a_tenth_of_the_pictures_is_held_out() -> None:
    found = open_photos(DATA)
    assert 0.06 < np.mean([one.held_out for one in found]) < 0.14
