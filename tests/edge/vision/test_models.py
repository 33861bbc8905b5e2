"""Loading models: the digest is of the bytes loaded, and what is wrong is one sentence."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.vision.errors import ModelError, VisionError
from edge.vision.manifest import manifest_file, read_manifest
from edge.vision.models import OnnxModel, installed_file, load_onnx
from edge.vision.ppocr.build import FINDER, RECOGNISER, VERIFIER
from edge.vision.ppocr.inference import LineRecogniser

MODELS = read_manifest(manifest_file())
FINDER_PATH = MODELS[FINDER].path


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


def test_a_graph_without_inputs_is_refused(tmp_path):
    value = numpy_helper.from_array(np.ones((1, 5, 8), np.float32))
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["out"], value=value)],
        "g",
        [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 5, 8])],
    )
    path = tmp_path / "none.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    with pytest.raises(ModelError, match=r"none\.onnx has no input.*: export it again"):
        load_onnx(path, remedy="export it again")


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
    for name in (FINDER, RECOGNISER, VERIFIER):
        assert MODELS[name].load(threads=1).sha256 == MODELS[name].sha256


@pytest.mark.parametrize("text", ["", "model = 3", "[[model]]\nname = 'x'", "not toml"])
def test_a_broken_manifest_is_one_clear_sentence(tmp_path, text):
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match="install it again"):
        read_manifest(path)


@pytest.fixture
def own_models(tmp_path):
    """A manifest of one model beside it."""
    (tmp_path / "manifest.toml").write_text(
        '[[model]]\nname = "plate-verifier"\nfile = "plate_verifier.onnx"\n'
        f'sha256 = "{MODELS[VERIFIER].sha256}"\n'
    )
    return tmp_path


def test_a_model_without_a_package_is_beside_the_manifest(own_models):
    (own_models / "plate_verifier.onnx").write_bytes(MODELS[VERIFIER].path.read_bytes())
    entry = read_manifest(own_models / "manifest.toml")[VERIFIER]
    assert entry.path == own_models / "plate_verifier.onnx"
    assert entry.load(threads=1).sha256 == MODELS[VERIFIER].sha256


def test_a_missing_verifier_is_one_clear_sentence(own_models):
    entry = read_manifest(own_models / "manifest.toml")[VERIFIER]
    with pytest.raises(ModelError, match=r"plate_verifier\.onnx cannot be read .*install it again"):
        entry.load(threads=1)


def test_a_corrupt_verifier_is_one_clear_sentence(own_models):
    whole = MODELS[VERIFIER].path.read_bytes()
    (own_models / "plate_verifier.onnx").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    entry = read_manifest(own_models / "manifest.toml")[VERIFIER]
    with pytest.raises(ModelError, match=r"SHA-256 .*expected .*install it again"):
        entry.load(threads=1)


def test_the_verifier_is_small_and_has_a_card():
    path = MODELS[VERIFIER].path
    assert path.stat().st_size <= 300_000
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert MODELS[VERIFIER].sha256 in card
    for owed in ("CC BY 4.0", "CC BY 2.0", "samrat-sahoo", "MIT", "Robert Lucian Chiriac"):
        assert owed in card
