from dataclasses import replace

import cv2
import numpy as np
import pytest

from demo_drive.drive import SHORT, draw_frames
from demo_drive.report import (
    REPORT_HEIGHT_PX,
    REPORT_WIDTH_PX,
    Reading,
    Totals,
    draw_report,
    write_report,
)
from demo_drive.track import point_at, track

_TOTALS = Totals(frames=40, reads=4, hits=1, receipted=4, ledger_ok=True)
_RED_BGR = (44, 32, 206)


def _reds(picture):
    return int((np.abs(picture.astype(int) - _RED_BGR).max(axis=2) < 6).sum())


@pytest.fixture(scope="module")
def readings():
    frame = next(draw_frames(SHORT))
    place = point_at(SHORT.motion, SHORT.started, 0.0)
    return [
        Reading(
            frame.image, (box.x, box.y, box.w, box.h), serial, "MA", 0.97, None,
            place.latitude_deg, place.longitude_deg, place.time,
        )
        for serial, box in frame.boxes.items()
    ]  # fmt: skip


def test_the_report_is_a_png_of_the_size_it_says(tmp_path, readings):
    way = [(p.latitude_deg, p.longitude_deg) for p in track(SHORT.motion, SHORT.started)]
    path = tmp_path / "report.png"
    write_report(path, readings, way, _TOTALS)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert cv2.imread(str(path)).shape == (REPORT_HEIGHT_PX, REPORT_WIDTH_PX, 3)


def test_a_hit_is_shown_in_red(readings):
    plain = draw_report(readings, [], _TOTALS)
    hit = replace(readings[0], hit="stolen_vehicle, exact")
    assert _reds(draw_report([hit, *readings[1:]], [], _TOTALS)) > _reds(plain) + 1000


def test_a_ledger_that_does_not_verify_looks_different(readings):
    good = draw_report(readings, [], _TOTALS)
    bad = draw_report(readings, [], replace(_TOTALS, ledger_ok=False))
    assert _reds(bad) > _reds(good) + 100


def test_nothing_read_and_no_position_still_make_a_report(readings):
    assert draw_report([], [], _TOTALS).shape == (REPORT_HEIGHT_PX, REPORT_WIDTH_PX, 3)
    lost = [replace(r, latitude_deg=None, longitude_deg=None, state=None) for r in readings]
    assert draw_report(lost, [], _TOTALS).shape == (REPORT_HEIGHT_PX, REPORT_WIDTH_PX, 3)


def test_more_reads_than_there_is_room_for_are_counted(readings):
    many = [readings[0]] * 60
    assert not np.array_equal(draw_report(many, [], _TOTALS), draw_report(many[:59], [], _TOTALS))
