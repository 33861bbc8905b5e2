import pytest

from models.training.plates import fonts


def test_a_missing_font_names_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "SYSTEM_FONTS", tmp_path)
    monkeypatch.delenv(fonts.FONTS_VARIABLE, raising=False)
    with pytest.raises(fonts.MissingFontsError, match=r"apt-get install .*fonts-liberation"):
        fonts.find("LiberationSans-Bold.ttf")


def test_a_folder_of_ones_own_is_searched_first(tmp_path, monkeypatch):
    own = tmp_path / "deep" / "LiberationSans-Bold.ttf"
    own.parent.mkdir()
    own.touch()
    monkeypatch.setenv(fonts.FONTS_VARIABLE, str(tmp_path))
    assert fonts.find("LiberationSans-Bold.ttf") == own


def test_every_typeface_of_a_style_belongs_to_a_package():
    known = {file for files in fonts.PACKAGES.values() for file in files}
    assert {file for files in fonts.STYLES.values() for file in files} <= known
