"""Free fonts by the Debian package that installs them; none is kept with this code.

Names and slogans of plates come in every style of lettering, so a style is a list of typefaces
and a drawing picks one. ``PLATEWARD_FONTS`` names a folder to search before the system's, for a
machine without packages: copy the files there flat or in folders.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

FONTS_VARIABLE = "PLATEWARD_FONTS"
SYSTEM_FONTS = Path("/usr/share/fonts")

PACKAGES: dict[str, tuple[str, ...]] = {
    "fonts-liberation": (
        "LiberationSans-Bold.ttf",
        "LiberationSans-Regular.ttf",
        "LiberationSansNarrow-Bold.ttf",
        "LiberationSerif-Bold.ttf",
        "LiberationSerif-BoldItalic.ttf",
        "LiberationSerif-Regular.ttf",
        "LiberationMono-Bold.ttf",
    ),
    "fonts-dejavu-core": ("DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSansMono-Bold.ttf"),
    "fonts-dejavu-extra": ("DejaVuSansCondensed-Bold.ttf", "DejaVuSerifCondensed-Bold.ttf"),
    "fonts-urw-base35": (
        "NimbusSans-Bold.otf",
        "NimbusSans-BoldItalic.otf",
        "NimbusSansNarrow-Bold.otf",
        "NimbusRoman-Bold.otf",
        "NimbusRoman-BoldItalic.otf",
        "URWBookman-Demi.otf",
        "URWBookman-DemiItalic.otf",
        "URWGothic-Demi.otf",
        "URWGothic-Book.otf",
        "C059-Bold.otf",
        "C059-BdIta.otf",
        "P052-Bold.otf",
        "P052-BoldItalic.otf",
        "P052-Roman.otf",
        "Z003-MediumItalic.otf",
    ),
    "fonts-roboto-unhinted": (
        "Roboto-Bold.ttf",
        "Roboto-Black.ttf",
        "RobotoCondensed-Bold.ttf",
        "RobotoCondensed-Regular.ttf",
        "Roboto-BoldItalic.ttf",
    ),
    "fonts-open-sans": ("OpenSans-Bold.ttf", "OpenSans-ExtraBoldItalic.ttf"),
    "fonts-lato": ("Lato-Black.ttf", "Lato-Medium.ttf", "Lato-BoldItalic.ttf"),
    "fonts-bebas-neue": ("BebasNeue-Bold.otf", "BebasNeue-Regular.otf"),
    "fonts-league-spartan": ("LeagueSpartan-Bold.otf", "LeagueSpartan-Medium.otf"),
    "fonts-adf-gillius": ("GilliusADF-Bold.otf", "GilliusADF-BoldCond.otf"),
    "fonts-adf-universalis": ("UniversalisADFStd-BoldCond.otf",),
    "fonts-adf-romande": ("RomandeADFStd-DemiBold.otf", "RomandeADFScriptStd-Italic.otf"),
    "fonts-quattrocento": ("Quattrocento-Regular.otf",),
    "fonts-roadgeek": ("RG2014B.ttf", "RG2014C.ttf", "RG2014D.ttf", "RG2014E.ttf"),
    "fonts-opendin": ("OSP-DIN.ttf",),
    "fonts-courier-prime": ("Courier Prime Bold.otf",),
    "fonts-comfortaa": ("Comfortaa-Bold.ttf",),
    "fonts-dancingscript": ("DancingScript-Bold.otf",),
    "fonts-lobster": ("lobster.otf",),
    "fonts-lobstertwo": ("LobsterTwo-Bold.otf", "LobsterTwo-Italic.otf"),
    "fonts-kaushanscript": ("KaushanScript-Regular.otf",),
    "fonts-leckerli-one": ("LeckerliOne-Regular.ttf",),
    "fonts-cantarell": ("Cantarell-ExtraBold.otf",),
}

STYLES: dict[str, tuple[str, ...]] = {
    "sans": (
        "LiberationSans-Bold.ttf",
        "NimbusSans-Bold.otf",
        "Roboto-Bold.ttf",
        "OpenSans-Bold.ttf",
        "Lato-Black.ttf",
        "GilliusADF-Bold.otf",
        "Cantarell-ExtraBold.otf",
        "RG2014D.ttf",
    ),
    "thin": (
        "LiberationSans-Regular.ttf",
        "Lato-Medium.ttf",
        "URWGothic-Book.otf",
        "LeagueSpartan-Medium.otf",
        "RobotoCondensed-Regular.ttf",
    ),
    "wide": (
        "DejaVuSans-Bold.ttf",
        "URWGothic-Demi.otf",
        "LeagueSpartan-Bold.otf",
        "Roboto-Black.ttf",
        "Comfortaa-Bold.ttf",
        "RG2014E.ttf",
    ),
    "condensed": (
        "LiberationSansNarrow-Bold.ttf",
        "NimbusSansNarrow-Bold.otf",
        "RobotoCondensed-Bold.ttf",
        "BebasNeue-Bold.otf",
        "BebasNeue-Regular.otf",
        "GilliusADF-BoldCond.otf",
        "UniversalisADFStd-BoldCond.otf",
        "DejaVuSansCondensed-Bold.ttf",
        "RG2014B.ttf",
    ),
    "oblique": (
        "NimbusSans-BoldItalic.otf",
        "Roboto-BoldItalic.ttf",
        "OpenSans-ExtraBoldItalic.ttf",
        "Lato-BoldItalic.ttf",
    ),
    "serif": (
        "LiberationSerif-Bold.ttf",
        "NimbusRoman-Bold.otf",
        "P052-Bold.otf",
        "C059-Bold.otf",
        "RomandeADFStd-DemiBold.otf",
        "DejaVuSerifCondensed-Bold.ttf",
        "LiberationSerif-Regular.ttf",
        "P052-Roman.otf",
        "Quattrocento-Regular.otf",
    ),
    "slab": ("URWBookman-Demi.otf", "C059-Bold.otf", "DejaVuSerif-Bold.ttf"),
    "italic": (
        "LiberationSerif-BoldItalic.ttf",
        "NimbusRoman-BoldItalic.otf",
        "P052-BoldItalic.otf",
        "C059-BdIta.otf",
        "URWBookman-DemiItalic.otf",
        "LobsterTwo-Italic.otf",
    ),
    "script": (
        "KaushanScript-Regular.otf",
        "lobster.otf",
        "DancingScript-Bold.otf",
        "LobsterTwo-Bold.otf",
        "Z003-MediumItalic.otf",
        "LeckerliOne-Regular.ttf",
        "RomandeADFScriptStd-Italic.otf",
    ),
    "print": (
        "LiberationMono-Bold.ttf",
        "DejaVuSansMono-Bold.ttf",
        "Courier Prime Bold.otf",
        "LiberationSans-Bold.ttf",
        "LiberationSansNarrow-Bold.ttf",
        "RobotoCondensed-Bold.ttf",
    ),
    "road": ("RG2014B.ttf", "RG2014C.ttf", "RG2014D.ttf"),
    "din": ("OSP-DIN.ttf", "RG2014C.ttf"),
}


class MissingFontsError(Exception):
    """A font of the drawings is not installed; the text names the command that installs it."""


def roots() -> tuple[Path, ...]:
    """The folders searched for fonts, first the one named in the environment."""
    own = os.environ.get(FONTS_VARIABLE)
    return (*([Path(own)] if own else []), SYSTEM_FONTS)


@cache
def _installed(folders: tuple[Path, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".ttf", ".otf"}:
                found.setdefault(file.name, file)
    return found


def find(file: str) -> Path:
    """Where that font file lies.

    Raises:
        MissingFontsError: if it is not installed.
    """
    path = _installed(roots()).get(file)
    if path is None:
        package = next((name for name, files in PACKAGES.items() if file in files), None)
        raise MissingFontsError(
            f"{file} of Debian's package {package} is missing; as root: apt-get install "
            f"{' '.join(PACKAGES)}; or name a folder that has the files in {FONTS_VARIABLE}"
        )
    return path


def check() -> None:
    """See that every font is there, before a long run begins.

    Raises:
        MissingFontsError: if one is not installed.
    """
    for files in PACKAGES.values():
        for file in files:
            find(file)


@lru_cache(maxsize=256)
def font(file: str, size_px: int) -> ImageFont.FreeTypeFont:
    """That font at that size.

    Raises:
        MissingFontsError: if it is not installed.
    """
    return ImageFont.truetype(str(find(file)), size_px)
