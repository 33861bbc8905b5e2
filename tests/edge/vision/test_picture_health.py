"""A picture that goes bad is noticed and one that is only still, dark or wet is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import count

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.vision.aim_reference import AimReference, reference_of
from edge.vision.camera_settings import CameraSettings
from edge.vision.picture_health import PictureHealth
from edge.vision.picture_health_glance import glance
from edge.vision.picture_health_lasting import Lasting

Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360
MARGIN = 160
NUMBERS = count()
TAKEN_AT = datetime(2026, 1, 2, tzinfo=UTC)
RNG = np.random.default_rng(7)
NOISE = {
    sigma: np.round(RNG.normal(0, sigma, (HEIGHT + 127, WIDTH + 131, 3))).astype(np.int8)
    for sigma in (0.6, 1, 2, 4, 8)
}


def drawn_block(seed: int) -> Picture:
    """A block of houses, larger than a view: walls with windows, signs and poles, drawn."""
    rng = np.random.default_rng(seed)
    shape = (HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)
    block = np.full(shape, 150, dtype=np.uint8)
    for _ in range(90):
        x, y = int(rng.integers(0, shape[1])), int(rng.integers(0, shape[0]))
        wide, high = int(rng.integers(12, 120)), int(rng.integers(12, 90))
        colour = tuple(int(one) for one in rng.integers(30, 220, 3))
        cv2.rectangle(block, (x, y), (x + wide, y + high), colour, -1)
    for _ in range(30):
        x, y = int(rng.integers(0, shape[1])), int(rng.integers(0, shape[0]))
        cv2.putText(block, "OPEN 24", (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (240, 240, 240), 2)
    return block


@cache
def view(right: int = 0, down: int = 0, turned_deg: float = 0.0, seed: int = 1) -> Picture:
    """The middle of a block, its content moved by so many pixels and turned."""
    block = drawn_block(seed)
    middle = (block.shape[1] / 2, block.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, -turned_deg, 1.0)
    turn[:, 2] += (right - MARGIN, down - MARGIN)
    return np.asarray(cv2.warpAffine(block, turn, (WIDTH, HEIGHT)), dtype=np.uint8)


def noisy(picture: Picture, sigma: float = 2) -> Picture:
    number = next(NUMBERS)
    y, x = number % 127, number % 131  # no place comes twice in 16,637 pictures
    field = NOISE[sigma][y : y + HEIGHT, x : x + WIDTH]
    return np.asarray(cv2.add(picture, field, dtype=cv2.CV_8U), dtype=np.uint8)


def darker(picture: Picture, gain: float, floor: float = 0.0) -> Picture:
    return np.asarray(cv2.convertScaleAbs(picture, alpha=gain, beta=floor), dtype=np.uint8)


@cache
def lamps() -> NDArray[np.float32]:
    """What lamps add to the light at night, and how they shine themselves."""
    lit = np.zeros((HEIGHT, WIDTH, 1), dtype=np.float32)
    for x, y in ((100, 80), (330, 60), (560, 120)):
        cv2.circle(lit, (x, y), 60, 0.5, -1)
    lit = cv2.GaussianBlur(lit, (0, 0), 25)[..., None]
    for x, y in ((100, 80), (330, 60), (560, 120)):
        cv2.circle(lit, (x, y), 5, 2.0, -1)
    return np.asarray(lit + 0.06, dtype=np.float32)


def at_night(picture: Picture, number: int = 0) -> Picture:
    """Dark but for three lamps, that light a part of the walls, and a car that passes."""
    scene = np.minimum(picture * lamps(), 255).astype(np.uint8)
    cv2.circle(scene, ((number * 61) % WIDTH, 300), 6, (250, 250, 250), -1)
    return noisy(scene, 4)


def out_of_focus(picture: Picture, radius: int) -> Picture:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2).astype(np.float32)
    return np.asarray(cv2.filter2D(picture, -1, disc / disc.sum()), dtype=np.uint8)


def reference(picture: Picture | None = None) -> AimReference:
    shown = noisy(view() if picture is None else picture)
    return reference_of(shown, TAKEN_AT, glance(shown).sharpness)


class Camera:
    """A camera under judgement, a picture every few seconds of a time of its own."""

    def __init__(self, *, aim: AimReference | None = None, **settings: object) -> None:
        made = {"name": "gate", "source": "device:0", "kind": "fixed"} | settings
        self.health = PictureHealth(CameraSettings.model_validate(made), aim)
        self.now_s, self.number = 0.0, 0
        self.faults: Mapping[str, str] = {}

    def show(
        self, pictures: Callable[[int], Picture], seconds: float, every_s: float = 5.0
    ) -> set[str]:
        """Show pictures for so long; every fault that stood meanwhile."""
        stood: set[str] = set()
        for _ in range(round(seconds / every_s)):
            self.now_s += every_s
            self.faults = self.health.look(self.now_s, glance(pictures(self.number)))
            self.number += 1
            stood |= set(self.faults)
        return stood

    def after(self, pictures: Callable[[int], Picture], fault: str, at_most_s: float) -> float:
        """How long it takes until the fault stands, and nothing else does."""
        for elapsed_s in np.arange(5.0, at_most_s + 5.0, 5.0):
            self.show(pictures, 5.0)
            if self.faults:
                assert set(self.faults) == {fault}
                return float(elapsed_s)
        raise AssertionError(f"{fault} was not noticed within {at_most_s} s")


def sound(number: int) -> Picture:
    return noisy(view())


@pytest.mark.parametrize(
    "pictures",
    [
        sound,
        lambda number: noisy(view(), 0.6),
        lambda number: at_night(view(), number),
        lambda number: noisy(darker(view(), 0.3), 4),
        lambda number: noisy(view(right=3 * (number % 3))),
        lambda number: cv2.imdecode(cv2.imencode(".jpg", noisy(view()), [1, 12])[1], 1),
    ],
    ids=["day", "still, little noise", "night", "dusk", "wind", "blocks of JPEG"],
)
def test_a_sound_camera_has_no_fault_for_minutes(
    pictures: Callable[[int], Picture],
) -> None:
    hasty = {
        "frozen_after_s": 60, "covered_after_s": 30, "dark_after_s": 60, "partly_after_s": 60,
        "blurred_after_s": 60, "shifted_after_s": 60,
    }  # fmt: skip
    assert Camera(aim=reference(), picture=hasty).show(pictures, 400) == set()


def with_clock(picture: Picture, number: int) -> Picture:
    marked = picture.copy()
    text = f"10:{number // 60:02}:{number % 60:02}"
    cv2.putText(marked, text, (20, 340), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    return marked


@pytest.mark.policy("M-D4")
@pytest.mark.parametrize("clock", [False, True])
def test_a_frozen_picture_is_noticed_also_under_a_clock_that_runs(clock: bool) -> None:
    stuck = sound(0)
    camera = Camera()
    camera.show(sound, 60)
    held = (lambda number: with_clock(stuck, number)) if clock else (lambda number: stuck)
    assert camera.show(held, 115) == set()
    assert camera.show(held, 15) == {"frozen"}
    assert "switch the camera off and on" in camera.faults["frozen"]
    assert camera.show(sound, 25) == {"frozen"}
    camera.show(sound, 10)
    assert camera.faults == {}


def test_one_new_picture_proves_that_a_camera_is_not_frozen() -> None:
    stuck = sound(0)
    camera = Camera()
    for _ in range(4):
        assert camera.show(lambda number: stuck, 115) == set()
        camera.show(sound, 5)


def test_a_still_scene_in_a_compressed_stream_is_not_frozen(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = str(tmp_path_factory.mktemp("video") / "still.mp4")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"mp4v"), 1, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for _ in range(200):
        writer.write(noisy(view(), 1))
    writer.release()
    reader = cv2.VideoCapture(path)
    assert Camera().show(lambda number: reader.read()[1], 200, every_s=1.0) == set()


@pytest.mark.policy("M-D4")
@pytest.mark.parametrize("colour", [(0, 0, 0), (200, 40, 0), (255, 255, 255)])
def test_a_dead_sensor_gives_one_colour(colour: tuple[int, int, int]) -> None:
    camera = Camera()
    camera.show(sound, 60)
    dead = np.full((HEIGHT, WIDTH, 3), colour, dtype=np.uint8)
    assert camera.after(lambda number: dead, "blank", 70) == 60
    assert "cable" in camera.faults["blank"]


def behind_cloth(picture: Picture, gain: float, sigma: float = 2) -> Picture:
    tiny = cv2.resize(picture, (3, 2), interpolation=cv2.INTER_AREA)
    light = cv2.resize(tiny, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return noisy(darker(light, gain, 8), sigma)


@pytest.mark.policy("M-D4")
@pytest.mark.parametrize("gain", [0.9, 0.4, 0.02])
def test_a_covered_lens_is_noticed_within_minutes_by_day(gain: float) -> None:
    camera = Camera()
    camera.show(sound, 100)
    assert camera.after(lambda number: behind_cloth(view(), gain), "covered", 90) <= 65
    assert "wipe the lens" in camera.faults["covered"]
    camera.show(sound, 60)
    assert camera.faults == {}


def in_the_dark(number: int) -> Picture:
    return noisy(np.full((HEIGHT, WIDTH, 3), 6, dtype=np.uint8), 8)


def test_darkness_is_no_fault_until_it_lasts_for_long() -> None:
    camera = Camera(kind="vehicle", picture={"dark_after_s": 400})
    camera.show(lambda number: at_night(view(), number), 100)
    assert camera.after(in_the_dark, "dark", 500) >= 400
    assert "uncover the lens" in camera.faults["dark"]


def test_plates_that_shine_in_the_dark_prove_that_the_lens_is_free() -> None:
    camera = Camera(picture={"dark_after_s": 200})
    for _ in range(4):
        assert camera.show(in_the_dark, 150) == set()
        camera.health.plate_seen(camera.now_s)


@pytest.mark.policy("M-D4")
def test_a_lens_that_is_partly_covered_at_once_is_noticed_and_a_lorry_is_not() -> None:
    def hidden(number: int) -> Picture:
        picture = view().copy()
        picture[:, : WIDTH * 6 // 10] = (150, 150, 155)
        return noisy(picture)

    camera = Camera()
    assert camera.show(sound, 320) == set()
    assert camera.show(hidden, 150) == set()
    assert camera.show(sound, 300) == set()
    assert camera.after(hidden, "partly-covered", 400) >= 300
    camera.show(sound, 120)
    assert camera.faults == {}


def test_a_vehicle_parked_before_a_wall_is_not_covered() -> None:
    def parked(number: int) -> Picture:
        picture = view().copy()
        picture[:, : WIDTH * 6 // 10] = (150, 150, 155)
        return noisy(picture)

    camera = Camera(kind="vehicle")
    camera.show(lambda number: noisy(view(right=13 * (number % 10))), 320)
    assert camera.show(parked, 500) == set()


@pytest.mark.policy("M-D4")
@pytest.mark.parametrize(("aimed", "light"), [(True, "day"), (False, "night")])
def test_a_blurred_picture_is_told_from_the_aim_check_or_from_its_own_past(
    aimed: bool, light: str
) -> None:
    def lit(picture: Picture, number: int) -> Picture:
        return at_night(picture, number) if light == "night" else noisy(picture)

    aim = reference() if aimed else None
    camera = Camera(aim=aim, picture={"blurred_after_s": 120})
    assert camera.show(lambda number: lit(view(), number), 400) == set()

    def blurred(number: int) -> Picture:
        return noisy(out_of_focus(lit(view(), number), 3))

    assert camera.after(blurred, "blurred", 500) >= 120
    assert "wipe the lens" in camera.faults["blurred"]
    assert ("at the aim check of 2026-01-02" in camera.faults["blurred"]) == aimed
    camera.show(lambda number: lit(view(), number), 300)
    assert camera.faults == {}


def test_blur_that_comes_and_goes_is_no_fault() -> None:
    def shower(number: int) -> Picture:
        return noisy(out_of_focus(view(), 3)) if number % 24 < 12 else sound(number)

    camera = Camera(aim=reference(), picture={"blurred_after_s": 120})
    assert camera.show(shower, 600) == set()


@pytest.mark.policy("M-D4")
@pytest.mark.parametrize("light", [noisy, at_night], ids=["day", "night"])
@pytest.mark.parametrize(
    ("right", "down", "said"),
    [
        (32, 0, "32 px to the right of the aim check of 2026-01-02"),
        (-32, 0, "32 px to the left"),
        (-120, -20, "120 px to the left and 20 px above"),
    ],
)
def test_a_shifted_picture_is_noticed_by_day_and_night(
    light: Callable[[Picture], Picture], right: int, down: int, said: str
) -> None:
    camera = Camera(aim=reference())
    camera.show(sound, 120)
    assert camera.after(lambda number: light(view(right, down)), "shifted", 300) >= 120
    assert said in camera.faults["shifted"]
    assert "check the mount" in camera.faults["shifted"]
    camera.show(lambda number: light(view()), 200)
    assert camera.faults == {}


def test_a_camera_that_is_turned_or_looks_elsewhere_is_noticed() -> None:
    camera = Camera(aim=reference())
    camera.after(lambda number: noisy(view(turned_deg=6)), "shifted", 300)
    assert "turned 6 degrees clockwise" in camera.faults["shifted"]
    camera = Camera(aim=reference())
    camera.after(lambda number: noisy(view(seed=2)), "elsewhere", 800)
    assert "does not show the view of the aim check of 2026-01-02" in camera.faults["elsewhere"]


def test_a_new_aim_check_ends_a_shift() -> None:
    camera = Camera(aim=reference())
    moved = view(right=64)
    camera.after(lambda number: noisy(moved), "shifted", 300)
    camera.health.aimed(reference(moved))
    assert camera.show(lambda number: noisy(moved), 250) == set()


def driving(right: int) -> Callable[[int], Picture]:
    """Scenery that passes, over a bonnet that lies in the lower fifth."""

    def picture(number: int) -> Picture:
        scene = view(right=23 * number % 300 - 150, down=5 * (number % 7))
        bonnet = np.array(
            [[right, 359], [120 + right, 310], [520 + right, 310], [640 + right, 359]]
        )
        cv2.fillPoly(scene, [bonnet.astype(np.int32)], (40, 30, 30))
        cv2.line(scene, (320 + right, 312), (320 + right, 359), (220, 220, 220), 3)
        return noisy(scene)

    return picture


def test_a_vehicle_camera_is_compared_by_its_steady_part_alone() -> None:
    aim = reference(driving(0)(0))
    steady = [0.0, 0.82, 1.0, 1.0]
    blind = Camera(kind="vehicle", aim=aim)
    assert blind.show(driving(48), 300) == set()
    camera = Camera(kind="vehicle", steady=steady, aim=aim)
    assert camera.show(driving(0), 300) == set()
    camera.after(driving(48), "shifted", 600)
    assert "to the right" in camera.faults["shifted"]


def test_a_grave_fault_hides_the_lesser_while_it_stands() -> None:
    def moved(number: int) -> Picture:
        return noisy(view(right=64))

    camera = Camera(aim=reference())
    camera.after(moved, "shifted", 300)
    stuck = moved(0)
    camera.show(lambda number: stuck, 140)
    assert set(camera.faults) == {"frozen"}
    camera.show(moved, 40)
    assert set(camera.faults) == {"shifted"}


@given(
    st.lists(st.tuples(st.sampled_from([True, True, False, None]), st.floats(0, 25)), max_size=20),
    st.booleans(),
)
def test_a_fault_stands_only_after_its_time_and_ends_only_after_its_own(
    evidence: list[tuple[bool | None, float]], forgiving: bool
) -> None:
    lasting = Lasting(20.0, 10.0, forgiving=forgiving)
    bad_s = well_s = 0.0
    stood = False
    for bad, elapsed_s in evidence:
        bad_s += elapsed_s if bad else 0.0
        well_s = 0.0 if bad else well_s + (elapsed_s if bad is False else 0.0)
        stands = lasting.add(bad, elapsed_s)
        if stands and not stood:
            assert bad
            assert bad_s >= 20.0 - 1e-6
        if stood and not stands:
            assert bad is False
            assert well_s >= 10.0 - 1e-6
            bad_s = 0.0
        stood = stands
