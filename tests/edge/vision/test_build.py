"""Composing an engine from settings, and execution providers that are asked for and not there."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from edge.vision import providers
from edge.vision.build import build_parts
from edge.vision.errors import ModelError
from edge.vision.manifest import manifest_file, read_manifest
from edge.vision.models import load_onnx
from edge.vision.settings import EngineSettings
from tests.edge.vision.graphs import raw_yolo, suppressed_yolo, write_graph

PPOCR = EngineSettings(kind="ppocr", threads=1)


@pytest.fixture
def model(tmp_path):
    return write_graph(tmp_path / "a.onnx", {"one": raw_yolo(1, []), "two": np.ones((1, 3), "f4")})


def test_every_output_has_its_name(model):
    outputs = load_onnx(model).run_all(np.zeros((1, 3, 320, 320), np.float32))
    assert {name: output.shape for name, output in outputs.items()} == {
        "one": (1, 5, 2100),
        "two": (1, 3),
    }


def test_a_graph_says_what_it_takes_and_gives(tmp_path):
    path = write_graph(
        tmp_path / "a.onnx",
        {"out": suppressed_yolo((0, 0, 1, 1, 0.5, 0))},
        takes=["n", 3, "h", 64],
        metadata={"task": "detect"},
    )
    model = load_onnx(path)
    assert str(model.inputs[0]) == "images ? x 3 x ? x 64 float"
    assert str(model.outputs[0]) == "out 1 x 300 x 6 float"
    assert model.metadata == {"task": "detect"}


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "openvino"])
def test_a_provider_that_is_not_installed_is_said_and_the_processor_serves(
    model, monkeypatch, name
):
    monkeypatch.setattr(providers.ort, "get_available_providers", lambda: [providers.CPU])
    loaded = load_onnx(model, providers=[name, "cpu"])
    (notice,) = loaded.notices
    assert notice.startswith(f"provider {name} is not in the installed onnxruntime")
    assert "install onnxruntime-" in notice
    assert loaded.session.get_providers() == [providers.CPU]
    assert loaded.run(np.zeros((1, 3, 320, 320), np.float32)).shape == (1, 5, 2100)


class OtherSession:
    """What onnxruntime gives where it left a provider out."""

    def __init__(self, content, options, providers, enable_fallback):
        assert enable_fallback == 0
        self.asked = providers

    def get_providers(self):
        return [self.asked[-1]]


def test_a_provider_that_does_not_start_is_said(monkeypatch):
    cuda = providers.ONNXRUNTIME_NAMES["cuda"]
    monkeypatch.setattr(providers.ort, "get_available_providers", lambda: [cuda, providers.CPU])
    monkeypatch.setattr(providers.ort, "InferenceSession", OtherSession)
    session, (notice,) = providers.open_session(b"", None, ["cuda"])
    assert session.asked == [cuda, providers.CPU]
    assert notice.startswith("provider cuda does not start (onnxruntime left it out)")


def test_a_provider_that_fails_leaves_the_processor(monkeypatch):
    class FailingSession(OtherSession):
        def __init__(self, content, options, providers, enable_fallback):
            super().__init__(content, options, providers, enable_fallback)
            if len(providers) > 1:
                raise RuntimeError("libcublas.so.12: cannot open\nmore lines")

    cuda = providers.ONNXRUNTIME_NAMES["cuda"]
    monkeypatch.setattr(providers.ort, "get_available_providers", lambda: [cuda, providers.CPU])
    monkeypatch.setattr(providers.ort, "InferenceSession", FailingSession)
    session, (notice,) = providers.open_session(b"", None, ["cuda"])
    assert session.asked == [providers.CPU]
    assert "does not start (libcublas.so.12: cannot open)" in notice
    assert "\n" not in notice


def test_the_next_provider_is_tried_where_one_fails(monkeypatch):
    tensorrt, cuda = (providers.ONNXRUNTIME_NAMES[name] for name in ("tensorrt", "cuda"))

    class Session(OtherSession):
        def __init__(self, content, options, providers, enable_fallback):
            super().__init__(content, options, providers, enable_fallback)
            if tensorrt in providers:
                raise RuntimeError("libnvinfer.so.10: cannot open")

        def get_providers(self):
            return self.asked

    available = [tensorrt, cuda, providers.CPU]
    monkeypatch.setattr(providers.ort, "get_available_providers", lambda: available)
    monkeypatch.setattr(providers.ort, "InferenceSession", Session)
    session, (notice,) = providers.open_session(b"", None, ["tensorrt", "cuda"])
    assert session.asked == [cuda, providers.CPU]
    assert notice.startswith("provider tensorrt does not start (libnvinfer.so.10: cannot open)")
    session, notices = providers.open_session(b"", None, ["cpu", "cuda"])
    assert (session.asked, notices) == ([providers.CPU], ())


def test_the_processor_alone_has_nothing_to_say(model):
    assert load_onnx(model, providers=["cpu"]).notices == ()


def test_ppocr_is_composed_of_its_three_models():
    parts = build_parts(PPOCR)
    assert [name for name, _ in parts.digests] == [
        "PP-OCRv6_det_small", "plate_verifier", "PP-OCRv6_rec_small",
    ]  # fmt: skip
    assert parts.notices == ()


def test_one_notice_stands_for_all_models(monkeypatch):
    monkeypatch.setattr(providers.ort, "get_available_providers", lambda: [providers.CPU])
    parts = build_parts(PPOCR.model_copy(update={"providers": ("cuda",)}))
    assert len(parts.notices) == 1


def test_ppocr_without_its_extra_names_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "rapidocr" else find(name)
    )
    with pytest.raises(ModelError, match=r"pip install '\.\[ppocr\]' in a checkout"):
        build_parts(PPOCR)


def test_a_model_that_no_manifest_has_is_said_with_those_there_are():
    settings = EngineSettings(kind="plateward", detector="my-detector")
    with pytest.raises(
        ModelError, match="has a model named 'my-detector': there are plate-detector"
    ):
        build_parts(settings)


def test_a_model_of_another_role_is_refused():
    settings = EngineSettings(kind="plateward", detector="plate-verifier", reader="plate-verifier")
    with pytest.raises(ModelError, match="it is a verifier, not a detector"):
        build_parts(settings)


@pytest.mark.parametrize("role", ["detecter", ""])
def test_a_role_that_is_none_is_said(tmp_path, role):
    path = tmp_path / "manifest.toml"
    path.write_text(
        f'[[model]]\nname = "x"\nfile = "x.onnx"\nsha256 = "{"0" * 64}"\nrole = "{role}"\n'
    )
    with pytest.raises(ModelError, match="is none of detector, reader"):
        read_manifest(path)


def test_every_model_that_ships_has_a_licence_and_a_role():
    for entry in read_manifest(manifest_file()).values():
        assert entry.licence
        assert entry.role == "part" or entry.format
