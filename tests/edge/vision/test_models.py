"""Loading models: the digest is of the bytes loaded, and what is wrong is one sentence."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from edge.vision.errors import ModelError, VisionError
from edge.vision.manifest import manifest_file, read_manifest
from edge.vision.models import OnnxModel, installed_file, load_onnx
from edge.vision.ppocr.build import FINDER, RECOGNISER
from edge.vision.ppocr.inference import LineRecogniser

MODELS = read_manifest(manifest_file())
FINDER_PATH = installed_file(MODELS[FINDER].package, MODELS[FINDER].file)


def test_the_digest_is_that_of_the_file():
    model = load_onnx(FINDER_PATH)
    assert model.sha256 == hashlib.sha256(FINDER_PATH.read_bytes()).hexdigest()
    assert model.name == "PP-OCRv6_det_small"


def test_a_missing_model_is_one_clear_sentence(tmp_path):
    with pytest.raises(ModelError, match=r"missing\.onnx cannot be read .*install it again"):
        load_onnx(tmp_path / "missing.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + bytes(100)])
def test_a_corrupt_model_is_one_clear_sentence(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx is corrupt or not an ONNX model"):
        load_onnx(path)


def test_a_cut_off_model_is_refused(tmp_path):
    path = tmp_path / "half.onnx"
    whole = FINDER_PATH.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="corrupt"):
        load_onnx(path)


def test_a_model_other_than_the_prescribed_is_refused():
    with pytest.raises(ModelError, match="expected 0000"):
        load_onnx(FINDER_PATH, sha256="0" * 64)


def test_a_model_without_characters_is_not_a_recogniser():
    with pytest.raises(ModelError, match="does not carry its list of characters"):
        LineRecogniser(load_onnx(FINDER_PATH))


def test_failed_inference_raises():
    model = load_onnx(FINDER_PATH)
    with pytest.raises(VisionError, match="PP-OCRv6_det_small failed"):
        model.run(np.zeros((1, 5, 32, 32), dtype=np.float32))


def test_output_that_is_not_a_number_raises():
    class Session:
        def run(self, names, inputs):
            return [np.array([[np.nan]], dtype=np.float32)]

    with pytest.raises(VisionError, match="not numbers"):
        OnnxModel("x", "0" * 64, Session(), "in").run(np.zeros((1, 1), dtype=np.float32))


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(ModelError, match="no_such_package"):
        installed_file("no_such_package", "x.onnx")


def test_the_manifest_knows_every_model_that_the_engine_loads():
    for name in (FINDER, RECOGNISER):
        assert MODELS[name].load(threads=1).sha256 == MODELS[name].sha256


@pytest.mark.parametrize("text", ["", "model = 3", "[[model]]\nname = 'x'", "not toml"])
def test_a_broken_manifest_is_one_clear_sentence(tmp_path, text):
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match="install it again"):
        read_manifest(path)
