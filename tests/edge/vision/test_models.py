"""Loading models: the digest is of the bytes loaded, and what is wrong is one sentence."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from edge.contract.plates import load_formats
from edge.vision.errors import ModelError, VisionError
from edge.vision.models import OnnxModel, installed_file, load_onnx
from edge.vision.ppocr.build import FINDER_FILE, PACKAGE, build_engine


def test_the_digest_is_that_of_the_file():
    path = installed_file(PACKAGE, FINDER_FILE)
    model = load_onnx(path)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.name == "PP-OCRv6_det_small"


def test_a_missing_model_is_one_clear_sentence(tmp_path):
    with pytest.raises(ModelError, match=r"missing\.onnx cannot be read .*install it again"):
        load_onnx(tmp_path / "missing.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + bytes(100)])
def test_a_corrupt_model_is_one_clear_sentence(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx is corrupt or not an ONNX model"):
        build_engine(load_formats(), finder_path=path)


def test_a_cut_off_model_is_refused(tmp_path):
    path = tmp_path / "half.onnx"
    whole = installed_file(PACKAGE, FINDER_FILE).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="corrupt"):
        load_onnx(path)


def test_a_model_other_than_the_prescribed_is_refused():
    with pytest.raises(ModelError, match="expected 0000"):
        load_onnx(installed_file(PACKAGE, FINDER_FILE), sha256="0" * 64)


def test_a_model_without_characters_is_not_a_recogniser():
    finder = installed_file(PACKAGE, FINDER_FILE)
    with pytest.raises(ModelError, match="does not carry its list of characters"):
        build_engine(load_formats(), recogniser_path=finder)


def test_failed_inference_raises():
    model = load_onnx(installed_file(PACKAGE, FINDER_FILE))
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
