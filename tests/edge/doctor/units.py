"""A unit's settings for checks, in a folder of its own."""

from __future__ import annotations

import textwrap
from pathlib import Path

from edge.enrolment import enrol
from edge.settings import Settings, load_settings

BASE = """
[unit]
agency = "northampton-pd"
name = "car-12"
"""
CAMERA = """
[[cameras]]
name = "front"
source = "pictures"
"""
UPLINK = """
[uplink]
host = "127.0.0.1"
port = {port}
repository_public_key = "keys/unit.pub"
"""
NOWHERE = """
[position]
kind = "none"
"""


def write_settings(
    folder: Path,
    *more: str,
    camera: str = CAMERA,
    position: str = NOWHERE,
    uplink: str = UPLINK,
    port: int = 1883,
) -> Path:
    """The settings file of a unit whose keys and data folder are there."""
    if not (folder / "keys").exists():
        enrol(folder / "keys")
        (folder / "data").mkdir(mode=0o700)
    path = folder / "edge.toml"
    parts = (BASE, camera, position, uplink.format(port=port), *more)
    path.write_text("\n".join(textwrap.dedent(part) for part in parts))
    return path


def settings_of(folder: Path, *more: str, **changed: object) -> Settings:
    """The same, loaded."""
    return load_settings(write_settings(folder, *more, **changed))  # type: ignore[arg-type]
