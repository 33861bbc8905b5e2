import cv2
import pytest
from click.testing import CliRunner

from models.training.plates import fonts
from models.training.sheet.__main__ import main


@pytest.fixture
def _fonts() -> None:
    try:
        fonts.check()
    except fonts.MissingFontsError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("_fonts")
def test_a_sheet_is_a_picture_of_that_many_plates(tmp_path):
    out = tmp_path / "sheet.png"
    words = ["--out", str(out), "--states", "MA,XX", "--count", "4", "--columns", "2"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "4 plates" in result.output
    assert cv2.imread(str(out)).shape == (2 * 136, 2 * 246, 3)


def test_a_state_that_is_none_is_refused(tmp_path):
    out = tmp_path / "sheet.png"
    result = CliRunner().invoke(main, ["--out", str(out), "--states", "MA,ZZ"])
    assert result.exit_code == 2
    assert "ZZ" in result.output
    assert not out.exists()


def test_missing_fonts_are_said_without_a_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "SYSTEM_FONTS", tmp_path)
    monkeypatch.delenv(fonts.FONTS_VARIABLE, raising=False)
    words = ["--out", str(tmp_path / "sheet.png")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "apt-get install" in result.output
