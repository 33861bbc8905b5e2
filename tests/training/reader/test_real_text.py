"""The transcribed real plates are well formed and lie inside their pictures."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import cv2
import pytest

from edge.contract.plates import STATES

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "models" / "training" / "reader" / "real_text.csv"
PICTURES = ROOT.parent / "shared" / "data" / "train"
COLUMNS = ["dataset", "file", "x", "y", "w", "h", "plate", "state", "quality"]
ROMANIAN = re.compile(r"[A-Z]{1,2}(\d{2,3}[A-Z]{3}|\d{6})")
# Boxes were drawn on pictures of other sizes and rounded when these were scaled.
OUTSIDE_TOLERANCE_PX = 1.0


def rows() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def test_columns_are_the_documented_ones() -> None:
    with TABLE.open(newline="") as file:
        assert next(csv.reader(file)) == COLUMNS


def test_values_are_of_their_alphabets() -> None:
    for row in rows():
        assert re.fullmatch(r"[A-Z0-9]{1,10}", row["plate"]), row
        assert row["state"] == "" or row["state"] in STATES, row
        assert row["quality"] in {"clear", "hard"}, row
        assert min(float(row["w"]), float(row["h"])) > 0, row


def test_romanian_plates_follow_the_format() -> None:
    for row in rows():
        if row["dataset"] == "romanian-street":
            assert ROMANIAN.fullmatch(row["plate"]), row


def test_no_box_is_transcribed_twice() -> None:
    boxes = Counter(
        (row["dataset"], row["file"], row["x"], row["y"], row["w"], row["h"]) for row in rows()
    )
    assert [box for box, times in boxes.items() if times > 1] == []


def test_boxes_are_those_of_the_data_set_and_inside_their_pictures() -> None:
    if not PICTURES.is_dir():
        pytest.skip(f"no pictures: {PICTURES} is missing")
    known = set()
    for dataset in {row["dataset"] for row in rows()}:
        with (PICTURES / dataset / "boxes.csv").open(newline="") as file:
            known |= {
                (dataset, box["file"], box["x"], box["y"], box["w"], box["h"])
                for box in csv.DictReader(file)
                if box["kind"] == "plate"
            }
    sizes: dict[Path, tuple[int, int]] = {}
    for row in rows():
        key = tuple(row[column] for column in COLUMNS[:6])
        assert key in known, row
        path = PICTURES / row["dataset"] / row["file"]
        if path not in sizes:
            picture = cv2.imread(str(path))
            assert picture is not None, path
            sizes[path] = (picture.shape[1], picture.shape[0])
        x, y, w, h = (float(row[column]) for column in "xywh")
        width, height = sizes[path]
        assert min(x, y) >= -OUTSIDE_TOLERANCE_PX, row
        assert x + w <= width + OUTSIDE_TOLERANCE_PX, row
        assert y + h <= height + OUTSIDE_TOLERANCE_PX, row
