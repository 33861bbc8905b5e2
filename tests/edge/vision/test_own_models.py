"""``alpr-edge models``: a model is taken in whole or not at all, and what is wrong is said."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from onnx import TensorProto

from edge.cli import main
from edge.contract.plates import load_formats
from edge.vision.build import build_parts
from edge.vision.engine import PlateEngine
from edge.vision.errors import ModelError
from edge.vision.formats.trial import drawn_scene
from edge.vision.manifest import manifest_file, read_manifest
from edge.vision.settings import EngineSettings
from tests.edge.vision.graphs import (
    OCR_CONFIG,
    ocr_slots,
    own_detector,
    own_reader,
    raw_yolo,
    suppressed_yolo,
    write_graph,
)

METADATA = {"names": "{0: 'plate'}", "license": "of its owner"}
# The plate of the drawn scene, (250, 210) 160 by 80, in an input of 320 x 320.
ON_THE_PLATE = (165.0, 165.0, 80.0, 40.0)


def models(*arguments):
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


@pytest.fixture
def detector(tmp_path):
    output = raw_yolo(1, [(ON_THE_PLATE, 0, 0.8)])
    return write_graph(tmp_path / "Best v2.onnx", {"output0": output}, metadata=METADATA)


@pytest.fixture
def reader(tmp_path):
    (tmp_path / "ocr.yaml").write_text(yaml.safe_dump(OCR_CONFIG))
    return write_graph(
        tmp_path / "ocr.onnx",
        {"plate": ocr_slots("1ABC23")},
        takes=["batch", 64, 128, 3],
        dtype=TensorProto.UINT8,
    )


def test_two_added_models_are_an_engine(tmp_path, detector, reader):
    manifest = tmp_path / "unit" / "models.toml"
    done = models("add", detector, "--as", "detector", "--manifest", manifest)
    assert done.exit_code == 0, done.output
    assert "an Ultralytics detector without suppression" in done.output
    assert "it found 1 on the picture, the surest at x 250, y 210, 160 by 80" in done.output
    assert f'models = "{manifest}"\ndetector = "best-v2"' in done.output
    done = models(
        "add", reader, "--as", "reader", "--config", tmp_path / "ocr.yaml", "--manifest", manifest
    )
    assert done.exit_code == 0, done.output
    assert "it read 1ABC23" in done.output
    detector.unlink()
    settings = EngineSettings(
        kind="plateward", detector="best-v2", reader="ocr", models=manifest, threads=1
    )
    engine = PlateEngine(build_parts(settings), load_formats())
    (seen,) = engine.read_frame(np.full((480, 640, 3), 90, np.uint8))
    assert (seen.reading.text, seen.box.x, seen.box.w) == ("1ABC23", 250, 160)
    assert [name for name, _ in engine.digests] == ["best-v2", "plate_verifier", "ocr"]


def test_models_trained_anew_are_known_and_an_engine(tmp_path):
    manifest = tmp_path / "unit" / "models.toml"
    detector, reader = own_detector(tmp_path / "d.onnx"), own_reader(tmp_path / "r.onnx")
    done = models("add", detector, "--as", "detector", "--manifest", manifest)
    assert "is a plate detector of Plateward; it found 1 on the picture" in done.output
    assert "at x 250, y 210, 160 by 80 pixels" in done.output
    done = models("add", reader, "--as", "reader", "--manifest", manifest)
    assert "is a plate reader of Plateward; it read 1ABC23 of MA" in done.output
    settings = EngineSettings(
        kind="plateward", detector="d", reader="r", models=manifest, threads=1
    )
    engine = PlateEngine(build_parts(settings), load_formats())
    (seen,) = engine.read_frame(drawn_scene())
    assert (seen.reading.text, seen.reading.state.code) == ("1ABC23", "MA")
    assert seen.crop.shape == (100, 200, 3)
    assert [name for name, _ in engine.digests] == ["d", "plate_verifier", "r"]
    alone = settings.model_copy(update={"verifier": ""})
    assert [name for name, _ in build_parts(alone).digests] == ["d", "r"]


def test_the_entry_says_what_the_model_is(tmp_path, detector):
    manifest = tmp_path / "models.toml"
    done = models("add", detector, "--as", "detector", "--manifest", manifest, "--json")
    said = json.loads(done.output)
    (entry,) = tomllib.loads(manifest.read_text())["model"]
    assert entry["input"] == "images 1 x 3 x 320 x 320 float"
    assert entry["output"] == "output0 1 x 5 x 2100 float"
    assert entry["licence"] == "of its owner"
    assert entry["sha256"] == said["sha256"]
    assert entry["options"] == said["options"] == {"class_count": 1, "plate_classes": [0]}


def test_a_second_entry_leaves_the_first(tmp_path, detector):
    manifest = tmp_path / "models.toml"
    for name in ("first", "second"):
        done = models("add", detector, "--as", "detector", "--name", name, "--manifest", manifest)
        assert done.exit_code == 0, done.output
    assert list(read_manifest(manifest)) == ["first", "second"]


def test_it_is_tried_on_a_picture_of_ones_own(tmp_path, detector):
    cv2.imwrite(str(tmp_path / "own.png"), np.zeros((320, 320, 3), np.uint8))
    done = models(
        "add", detector, "--as", "detector", "--picture", tmp_path / "own.png",
        "--manifest", tmp_path / "m.toml",
    )  # fmt: skip
    assert "x 125, y 145, 80 by 40" in done.output


def test_a_model_that_finds_nothing_is_added_with_a_warning(tmp_path):
    path = write_graph(tmp_path / "b.onnx", {"output0": raw_yolo(1, [])}, metadata=METADATA)
    done = models("add", path, "--as", "detector", "--manifest", tmp_path / "m.toml")
    assert done.exit_code == 0
    assert "it found no plate on the picture" in done.output
    assert "before you trust it: --picture" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name", "No Name"], "'No Name' is no name"),
        (
            ["--name", "plate-verifier"],
            "'plate-verifier' is the product's own model: choose another with --name",
        ),
        (["--class", "car"], "name it with --class; it has 0 plate"),
        (["--picture", "/nowhere.png"], "picture /nowhere.png cannot be read"),
    ],
)
def test_a_wrong_call_writes_nothing(tmp_path, detector, arguments, said):
    done = models(
        "add", detector, "--as", "detector", "--manifest", tmp_path / "m" / "m.toml", *arguments
    )
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("failing", ["best-v2.onnx.new", "m.toml.new"])
@pytest.mark.parametrize("strerror", ["No space left on device", None])
def test_a_failed_write_leaves_nothing_and_may_be_tried_again(
    tmp_path, detector, monkeypatch, failing, strerror
):
    manifest = tmp_path / "unit" / "m.toml"
    synced = os.fsync

    def full(number):
        if Path(f"/proc/self/fd/{number}").readlink().name == failing:
            raise OSError(28, strerror) if strerror else OSError("odd")
        synced(number)

    monkeypatch.setattr("os.fsync", full)
    done = models("add", detector, "--as", "detector", "--manifest", manifest)
    assert done.exit_code == 1
    assert f"{manifest.parent / 'best-v2.onnx'} cannot be added" in done.output
    assert (strerror or "odd") in done.output
    assert "None" not in done.output
    assert list(manifest.parent.iterdir()) == []
    monkeypatch.undo()
    done = models("add", detector, "--as", "detector", "--manifest", manifest)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "option",
    [
        "min_score = 0", "min_score = 1.0", 'min_score = "x"', "min_score = true",
        'fast_px = "big"', "fast_px = 0", "fast_px = true", "far_px = 7.5",
    ],
)  # fmt: skip
def test_a_wrong_option_is_named_by_the_check_and_the_engine(tmp_path, detector, own, option):
    manifest = tmp_path / "m.toml"
    file = own_detector(tmp_path / "d.onnx") if own else detector
    models("add", file, "--as", "detector", "--name", "d", "--manifest", manifest)
    key = option.split()[0]
    lines = [line for line in manifest.read_text().splitlines() if not line.startswith(key)]
    manifest.write_text("\n".join([*lines, option]) + "\n")
    done = models("check", "--manifest", manifest, "--json")
    (bad,) = [one for one in json.loads(done.output) if one["usable"] is False]
    assert (bad["name"], done.exit_code) == ("d", 1)
    assert re.search(rf"{key} is .+: it may be a (whole )?number", bad["said"])
    settings = EngineSettings(kind="plateward", detector="d", models=manifest, threads=1)
    with pytest.raises(ModelError, match=f"{key} is "):
        build_parts(settings)


def test_a_detector_trained_anew_runs_as_the_products_does(tmp_path):
    manifest = tmp_path / "m.toml"
    product = read_manifest(manifest_file())["plate-detector"]
    shipped = product.path
    models("add", shipped, "--as", "detector", "--name", "anew", "--manifest", manifest)
    assert read_manifest(manifest)["anew"].options == product.options


@pytest.mark.parametrize(
    ("name", "role", "said"),
    [
        ("plate-detector", "reader", "is a plate detector of Plateward: add it --as detector"),
        ("plate-reader", "detector", "is a plate reader of Plateward: add it --as reader"),
        ("plate-verifier", "reader", "is a plate verifier of Plateward, and no reader"),
        ("line-recogniser", "detector", "that is no known detector"),
    ],
)
def test_a_model_in_a_wrong_role_is_told_what_it_is(tmp_path, name, role, said):
    file = read_manifest(manifest_file())[name].path
    done = models(
        "add", file, "--as", role, "--name", "own", "--manifest", tmp_path / "m" / "m.toml"
    )
    assert done.exit_code == 1
    assert said in done.output
    assert len(done.output.splitlines()) == 1
    assert not (tmp_path / "m").exists()


def test_a_detector_trained_anew_takes_no_class(tmp_path):
    file = own_detector(tmp_path / "d.onnx")
    done = models(
        "add", file, "--as", "detector", "--class", "0", "--manifest", tmp_path / "m.toml"
    )
    assert done.exit_code == 1
    assert "knows plates alone: no --class" in done.output


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    done = models("add", tmp_path / "a.onnx", "--as", "detector", "--manifest", tmp_path / "m.toml")
    assert "a.onnx is corrupt or not an ONNX model: export it again" in done.output


def test_a_detector_of_the_whole_picture_is_not_understood(tmp_path):
    output = suppressed_yolo((0.0, 0.0, 320.0, 320.0, 0.9, 0.0))
    path = write_graph(tmp_path / "a.onnx", {"output0": output}, metadata=METADATA)
    done = models("add", path, "--as", "detector", "--manifest", tmp_path / "m.toml")
    assert done.exit_code == 1
    assert "took the whole picture for a plate" in done.output


@pytest.mark.parametrize("content", ["- 1", "a: [", "1: 2"])
def test_a_configuration_that_is_none_is_said(tmp_path, reader, content):
    (tmp_path / "ocr.yaml").write_text(content)
    done = models(
        "add", reader, "--as", "reader", "--config", tmp_path / "ocr.yaml",
        "--manifest", tmp_path / "m.toml",
    )  # fmt: skip
    assert done.exit_code == 1
    assert f"configuration {tmp_path}/ocr.yaml" in done.output


def test_logits_are_no_probabilities(tmp_path, reader):
    write_graph(
        reader, {"plate": ocr_slots("1ABC23") * 9}, takes=["batch", 64, 128, 3],
        dtype=TensorProto.UINT8,
    )  # fmt: skip
    done = models(
        "add", reader, "--as", "reader", "--config", tmp_path / "ocr.yaml",
        "--manifest", tmp_path / "m.toml",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "no probabilities" in done.output


def test_the_products_own_manifest_is_never_written(detector):
    before = manifest_file().read_bytes()
    done = models("add", detector, "--as", "detector", "--manifest", manifest_file())
    assert done.exit_code == 1
    assert "is the product's own" in done.output
    assert manifest_file().read_bytes() == before


def test_the_list_has_the_products_models_and_the_units(tmp_path, detector):
    manifest = tmp_path / "models.toml"
    models("add", detector, "--as", "detector", "--manifest", manifest)
    listed = json.loads(models("list", "--manifest", manifest, "--json").output)
    names = [entry["name"] for entry in listed]
    assert names[-1] == "best-v2"
    assert "plate-verifier" in names
    assert "best-v2" in models("list", "--manifest", manifest).output
    assert "best-v2" not in models("list").output


def test_a_manifest_that_is_not_there_is_said(tmp_path):
    done = models("list", "--manifest", tmp_path / "none.toml")
    assert done.exit_code == 1
    assert "none.toml" in done.output
    assert "'alpr-edge models add' writes one" in done.output


def test_a_unit_may_not_take_the_name_of_a_products_model(tmp_path, detector):
    manifest = tmp_path / "models.toml"
    models("add", detector, "--as", "detector", "--manifest", manifest)
    manifest.write_text(manifest.read_text().replace('"best-v2"', '"plate-verifier"', 1))
    done = models("list", "--manifest", manifest)
    assert "'plate-verifier' is the name of a model of the product" in done.output


def test_the_check_tells_a_changed_model(tmp_path, detector):
    manifest = tmp_path / "models.toml"
    models("add", detector, "--as", "detector", "--manifest", manifest)
    done = models("check", "--manifest", manifest)
    assert done.exit_code == 0, done.output
    (tmp_path / "best-v2.onnx").write_bytes(b"changed")
    done = models("check", "--manifest", manifest, "--json")
    assert done.exit_code == 1
    (bad,) = [one for one in json.loads(done.output) if one["usable"] is False]
    assert bad["name"] == "best-v2"
    assert re.search("expected .*: copy it back or add it again", bad["said"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "# nothing yet\n", "it holds no [[model]]"),
        (lambda text: text + text[text.index("[[model]]") :], "two models are named 'best-v2'"),
        (lambda text: text.replace("role =", 'package = "a.b"\nrole ='), "package 'a.b' is no"),
        (lambda text: text.replace("role =", "package = 5\nrole ="), "package 5 is no"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(tmp_path, detector, change, said):
    manifest = tmp_path / "models.toml"
    models("add", detector, "--as", "detector", "--manifest", manifest)
    manifest.write_text(change(manifest.read_text()))
    for command in ("list", "check"):
        done = models(command, "--manifest", manifest)
        assert done.exit_code == 1
        assert said in done.output
