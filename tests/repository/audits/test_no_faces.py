"""The product recognises no face: no model, no dependency and no code of it (policy F-none).

It may look for faces only to make them unseen, by software that detects and cannot recognise; it
has none of that today, so anything found here is to be looked at before it ships.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = re.compile(
    r"(^|[^a-z])(face|facial)|face[_.-]?(recognition|net|api|lib)|(insight|deep|retina|open|arc)face"
    r"|(^|[^a-z])dlib|mtcnn|compreface|rekognition|biometr",
    re.IGNORECASE,
)
_DONE_TO_FACES = "recogni|identif|embed|encod|match|compar|verif|landmark|descriptor|cascade|detect"
IDENTIFIERS = re.compile(
    rf"fac(e|es|ial)_?({_DONE_TO_FACES})|({_DONE_TO_FACES})\w*fac(e|es|ial)(?!_requests?|_register)"
    r"|LBPHFace|EigenFace|FisherFace|FaceRecognizer|FaceDetector|biometric",
    re.IGNORECASE,
)
FILES = re.compile(
    r"haarcascade|yunet|sface|arcface|facenet|buffalo_l|blazeface|scrfd|face[_-]?(detect|recogn)",
    re.IGNORECASE,
)
MAY_SPEAK = re.compile(f"{PACKAGES.pattern}|fac(e|ial)|biometric|{FILES.pattern}", re.IGNORECASE)
"""What any of these has in it: only such a source is read closely."""
ROLES = {"detector", "reader", "part", "verifier"}


def sources() -> Iterator[Path]:
    for room in ("edge", "repository"):
        yield from (ROOT / room).rglob("*.py")


def suspects(source: str) -> set[str]:
    """What in a source has to do with recognising faces: imports, names, files of models."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names if PACKAGES.search(each.name)}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if PACKAGES.search(module) and not module.startswith("repository.audits.face_"):
                found.add(module)
            names = [each.name for each in node.names]
        elif isinstance(node, ast.Name):
            names = [node.id]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.arg):
            names = [node.arg]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {each.group() for each in FILES.finditer(node.value)}
        found |= {each for each in names if IDENTIFIERS.search(each)}
    return found


@pytest.mark.policy("F-none")
def test_no_source_of_either_program_recognises_faces() -> None:
    read = list(sources())
    assert len(read) > 200
    texts = {path: path.read_text("utf-8") for path in read}
    found = {
        path: names
        for path, text in texts.items()
        if MAY_SPEAK.search(text) and (names := suspects(text))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import face_recognition",
        "import dlib",
        "from insightface.app import FaceAnalysis",
        "from deepface import DeepFace",
        "import cv2\ncv2.FaceRecognizerSF.create('x', '')",
        "import cv2\ncv2.face.LBPHFaceRecognizer_create()",
        "def match_faces(a, b): ...",
        "def face_embedding(picture): ...",
        "load('haarcascade_frontalface_default.xml')",
        "model = 'models/arcface_r100.onnx'",
        "class FacialRecognizer: ...",
        "boto3.client('rekognition').compare_faces()",
    ],
)
def test_the_walk_would_find_it(source: str) -> None:
    assert suspects(source)
    assert MAY_SPEAK.search(source)


@pytest.mark.policy("F-none")
def test_no_dependency_recognises_faces() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        named += extra
    named += (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert len(named) > 60
    assert [each for each in named if PACKAGES.search(each)] == []
    assert PACKAGES.search("face-recognition==1.3")
    assert PACKAGES.search("mtcnn")


@pytest.mark.policy("F-none")
def test_every_model_that_ships_reads_plates() -> None:
    manifest = tomllib.loads((ROOT / "models" / "manifest.toml").read_text("utf-8"))["model"]
    assert {each["role"] for each in manifest} <= ROLES
    for each in manifest:
        assert not FILES.search(str(each)), each
        assert not re.search(r"\bfac(e|ial)", str(each), re.IGNORECASE), each
    ours = {each["file"] for each in manifest if "package" not in each}
    shipped = {path.name for path in (ROOT / "models").glob("*.onnx")}
    assert shipped == ours
    for name in sorted(shipped):
        model = onnx.load(ROOT / "models" / name, load_external_data=False)
        words = [each.name for each in (*model.graph.input, *model.graph.output)]
        words += [f"{each.key} {each.value}" for each in model.metadata_props]
        assert not any(re.search(r"fac(e|ial)|embedding", each, re.IGNORECASE) for each in words)
    others = [
        path
        for room in ("edge", "repository", "config", "models")
        for path in (ROOT / room).rglob("*")
        if path.suffix in {".onnx", ".pb", ".pt", ".pth", ".tflite", ".caffemodel", ".dat", ".xml"}
        and path.name not in shipped
    ]
    assert others == []
