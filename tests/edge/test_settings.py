"""Settings: a wrong key is named by its full path, and the documentation names every key."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.commands.settings_help import describe_settings
from edge.settings import SettingsError, load_settings

WHOLE = """
[unit]
agency = "ma-northampton"
name = "car-12"

[[cameras]]
name = "front"
source = "rtsp://camera.local/stream"

[[cameras]]
name = "rear"
source = "pictures"

[[hotlists]]
name = "state-hotfile"
path = "hotlists/state.csv"

[position]
kind = "serial"
port = "/dev/ttyUSB0"

[uplink]
host = "broker.example"
repository_public_key = "keys/receipts.pub"

[uplink.tls]
ca = "tls/ca.pem"
certificate = "tls/unit.pem"
key = "tls/unit.key"
"""


def load(folder: Path, text: str) -> object:
    path = folder / "edge.toml"
    path.write_text(text)
    return load_settings(path)


def test_relative_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(WHOLE)
    settings = load_settings(tmp_path / "edge.toml")
    assert settings.unit.keys == tmp_path / "keys"
    assert settings.cameras[0].source == "rtsp://camera.local/stream"
    assert settings.cameras[1].source == str(tmp_path / "pictures")
    assert settings.hotlists[0].path == tmp_path / "hotlists" / "state.csv"
    assert settings.uplink.tls is not None
    assert settings.uplink.tls.key == tmp_path / "tls" / "unit.key"
    assert settings.uplink.port == 8883


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "pictures"', 'source = " "', "cameras[1].source: must name a folder"),
        ('source = "pictures"\n', "", "cameras[1].source: missing"),
        ('name = "rear"', 'name = "front"', "cameras: two are named 'front'"),
        ('name = "car-12"', 'name = "Car/12"', "unit.name: lower-case letters"),
        ('host = "broker.example"', "hots = 1", "uplink.hots: no such setting"),
        ('port = "/dev/ttyUSB0"', "baud = 1", "position.port: missing"),
        ('kind = "serial"', 'kind = "compass"', "position.kind: expected one of 'serial', "),
        ('kind = "serial"\n', "", "position.kind: missing"),
        ('kind = "serial"', 'kind = "site"', "position.site: missing"),
        ("[uplink.tls]", "[uplink.tsl]", "uplink.tsl: no such setting"),
        (WHOLE[WHOLE.index("[uplink.tls]") :], "", "uplink: a broker on another machine needs"),
        ('port = "/dev/ttyUSB0"', 'port = "/dev/x"\nfix_lasts_s = inf', "position.fix_lasts_s: "),
        ('[unit]\nagency = "ma-northampton"', "[unit]", "unit.agency: missing"),
        (
            "[uplink.tls]",
            "[[uplink.filters]]\nname = 'x'\ncameras = ['frnt']\n[uplink.tls]",
            "uplink.filters 'x' names camera 'frnt', which this unit does not have",
        ),
        (
            "[uplink.tls]",
            "[[uplink.filters]]\nname = 'x'\n[uplink.tls]",
            "uplink.filters[0]: a rule without a condition would keep every read",
        ),
        (
            "[uplink.tls]",
            "[[uplink.filters]]\nname = 'x'\npolygon = [[0, 0], [1, 1]]\n[uplink.tls]",
            "uplink.filters[0]: give a circle, or a polygon of three corners",
        ),
        (
            "[uplink.tls]",
            "[uplink.upload]\nwhen = 'schedule'\n[uplink.tls]",
            "uplink.upload: 'schedule' needs its hours",
        ),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in WHOLE
    with pytest.raises(SettingsError) as error:
        load(tmp_path, WHOLE.replace(old, new, 1))
    assert said in str(error.value)
    assert str(tmp_path / "edge.toml") in str(error.value)


ENGINE = """
[engine]
size = 960
threads = 4
providers = ["tensorrt", "cuda"]
models = "models/manifest.toml"
detector = "own"
"""


def test_the_engine_is_chosen_by_settings(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(WHOLE + ENGINE)
    engine = load_settings(tmp_path / "edge.toml").engine
    assert engine.models == tmp_path / "models" / "manifest.toml"
    assert engine.providers == ("tensorrt", "cuda")
    assert (engine.size, engine.detector, engine.reader) == (960, "own", "plate-reader")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"cuda"', '"gpu"', "engine.providers[1]: Input should be 'cpu', 'cuda', 'tensorrt'"),
        ("size = 960", 'size = "huge"', "engine.size: must be 'fast', 'far' or a whole number"),
        ("size = 960", "size = 100000", "engine.size: must be"),
        ("size = 960", "size = true", "engine.size: must be"),
        ("size = 960", 'kind = "tesseract"', "engine.kind: Input should be 'plateward' or 'ppocr'"),
        ("threads = 4", "threads = 0", "engine.threads: "),
    ],
)
def test_a_wrong_engine_is_named_with_what_there_is(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, WHOLE + ENGINE.replace(old, new, 1))
    assert said in str(error.value)
    assert str(error.value).count("\n") == 2


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    wrong = WHOLE.replace('name = "rear"', "").replace('host = "broker.example"', "")
    with pytest.raises(SettingsError) as error:
        load(tmp_path, wrong)
    assert "cameras[1].name" in str(error.value)
    assert "uplink.host" in str(error.value)


def test_a_mistake_in_the_only_camera_adds_no_second_line(tmp_path: Path) -> None:
    begin, end = WHOLE.index("[[cameras]]"), WHOLE.index("[[hotlists]]")
    one = '[[cameras]]\nname = "front"\nsuorce = "pictures"\n'
    with pytest.raises(SettingsError) as error:
        load(tmp_path, WHOLE[:begin] + one + WHOLE[end:])
    assert "cameras[0].source: missing" in str(error.value)
    assert "cameras[0].suorce: no such setting" in str(error.value)
    assert "cameras: " not in str(error.value)


@pytest.mark.parametrize("none", ["", "cameras = []"])
def test_a_unit_without_a_camera_is_told_so(tmp_path: Path, none: str) -> None:
    begin, end = WHOLE.index("[[cameras]]"), WHOLE.index("[[hotlists]]")
    with pytest.raises(SettingsError, match="  cameras: name at least one camera"):
        load(tmp_path, f"{none}\n{WHOLE[:begin]}{WHOLE[end:]}")


def test_a_missing_file_and_no_toml_are_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(tmp_path / "nowhere.toml")
    with pytest.raises(SettingsError, match="not TOML"):
        load(tmp_path, "unit = [")


def test_the_documentation_has_every_key() -> None:
    described = describe_settings()
    for key in (
        "unit.keys (default 'keys'): ",
        "cameras[].source (required): ",
        "position.port (required): ",
        "uplink.tls.certificate (required): ",
        "hotlists[].columns.kinds (default {}): ",
        "engine.providers (default ['cpu']): ",
        "engine.size (default 'fast'): ",
    ):
        assert key in described
    assert "Undefined" not in described
    assert not [line for line in described.splitlines() if line.endswith(": None")]


def test_the_example_that_ships_is_valid() -> None:
    load_settings(Path(__file__).parents[2] / "config" / "edge.example.toml")
