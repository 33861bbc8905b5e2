"""Settings: every mistake is named by its full path, and the example is the default."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from repository.settings import Settings, SettingsError, default_settings, load_settings

EXAMPLE = Path(__file__).parents[2] / "config" / "repository.example.toml"


def test_the_example_says_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE.parent)
    assert load_settings(EXAMPLE) == default_settings()


def test_every_setting_stands_in_the_example() -> None:
    text = EXAMPLE.read_text()

    def walk(section: type, path: str) -> None:
        for name, field in section.model_fields.items():  # type: ignore[attr-defined]
            assert f"{name} =" in text or f"[{path}{name}]" in text, f"{path}{name}"
            assert field.description
            inner = next(
                (
                    each
                    for each in (field.annotation, *getattr(field.annotation, "__args__", ()))
                    if hasattr(each, "model_fields")
                ),
                None,
            )
            if inner is not None:
                walk(inner, f"{path}{name}.")

    walk(Settings, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[broker]\nprot = 1883", "broker.prot: not a setting; remove it or mend its spelling"),
        ("[broker]\nport = 0", "broker.port: Input should be greater than or equal to 1"),
        ("[broker.tls]\nca = 'x'", "broker.tls.certificate: Field required"),
        ("database = 'nonsense'", "database: not an address"),
        (
            "database = 'postgresql+psycopg://u:secret@h/d'",
            "database: holds a password: give it in PGPASSFILE or PGPASSWORD instead",
        ),
        ("[jobs]\npurge_at = 'noon'", "jobs.purge_at: Input should be in a valid time format"),
        ("[web]\nproxies = ['all']", "web.proxies.0: "),
        ("[web", "not TOML"),
    ],
)
def test_a_mistake_is_named_by_its_path(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "repository.toml"
    path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert str(caught.value).startswith(f"settings file {path}: {said}")
    assert "secret" not in str(caught.value)


def test_the_daily_purge_is_on_unless_the_file_says_never(tmp_path: Path) -> None:
    path = tmp_path / "repository.toml"
    path.write_text("")
    assert load_settings(path).jobs.purge_at == time(7, 30)
    path.write_text("[jobs]\npurge_at = 'never'")
    assert load_settings(path).jobs.purge_at is None


def test_relative_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "repository.toml"
    path.write_text("data = 'here'\n[broker.tls]\nca = 'ca.pem'\ncertificate = '/c'\nkey = 'k'")
    settings = load_settings(path)
    assert settings.data == tmp_path / "here"
    assert settings.broker.tls is not None
    assert settings.broker.tls.ca == tmp_path / "ca.pem"
    assert settings.broker.tls.certificate == Path("/c")
    assert settings.database_address == f"sqlite:///{tmp_path}/here/repository.sqlite"


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file or directory; name one with --settings"):
        load_settings(tmp_path / "none.toml")
