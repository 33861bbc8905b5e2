"""Plates of Europe and South America: long strips, squares of two lines, Brazil's two designs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.training.plates import dies, emblems, fonts, lettering, line, serials
from models.training.plates.canvas import (
    Canvas,
    Colour,
    colour,
    gradient,
    rounded,
    vary,
    with_alpha,
)
from models.training.plates.dies import Die
from models.training.plates.plate import DrawnPlate
from models.training.plates.serials import Token


@dataclass(frozen=True, slots=True)
class Country:
    """A European country's plate: code on the band, layouts, letters left out, die or font."""

    code: str
    layouts: tuple[str, ...]
    skip: str = ""
    font: str = ""
    width: float = 0.53
    weight: float = 0.125
    back: str = "#f5f5f2"
    ink: str = "#17171a"
    places: tuple[str, ...] = ()
    right_band: bool = False


# A % in a layout is one of the country's places.
COUNTRIES = (
    Country("D", ("%.AA 999", "%.A 9999", "%.AA 99", "%.AA 9999", "%.A 99"), places=(
        "B", "M", "HH", "K", "S", "F", "KA", "DD", "BN", "LÖ", "HD", "WOB", "MTK", "FR", "AC")),
    Country("F", ("AA-999-AA",), "IOU", right_band=True),
    Country("I", ("AA 999AA", "AA_999AA"), "IOQU", weight=0.1, right_band=True),
    Country("E", ("9999 AAA",), "AEIOUQ"),
    Country("PL", ("%_ 99999", "%_ 9999A", "%_ 99A99", "% 999AA"), places=(
        "WA", "KR", "GD", "PO", "WW", "DW", "SK", "RZ", "KRA", "WPR", "LU", "EL"), weight=0.105),
    Country("RO", ("%_99 AAA", "% 99 AAA", "% 99 AAA"), "Q", places=(
        "CJ", "TM", "IS", "BV", "CT", "SB", "MS", "BH", "AR", "PH", "AG", "DJ", "SV", "GL", "IF")),
    Country("RO", ("%_999 AAA", "% 99 AAA", "% 999 AAA"), "Q", places=("B",)),
    Country("NL", ("AA-999-A", "99-AAA-9", "9-AAA-99", "A-999-AA", "AA-AA-99", "99-AA-AA"),
            "AEIOU", back="#f2c12e"),
    Country("B", ("9-AAA-999",), ink="#7a1f2a"),
    Country("GB", ("AA99 AAA",), "IQ", back="#f3c62f", width=0.56, weight=0.14),
    Country("GB", ("AA99 AAA",), "IQ", width=0.56, weight=0.14),
    Country("CZ", ("9A9 9999",), "GOQW"),
    Country("A", ("%*999AA", "%*9999A", "%*99AAA"), places=("W", "G", "L", "S", "IL", "KB", "BN")),
    Country("H", ("AAA-999", "AA AA-999"), ""),
    Country("SK", ("%*999AA",), places=("BA", "KE", "ZA", "NR", "PO", "TT")),
    Country("HR", ("%*9999-AA", "%*999-AA"), places=("ZG", "ST", "RI", "OS", "ZD")),
    Country("SLO", ("%*AA-999", "%*A9-99A"), places=("LJ", "MB", "CE", "KP")),
    Country("BG", ("% 9999 AA",), "DFGIJLNQRSUVWZ", places=("CA", "PB", "B", "CB", "E")),
    Country("P", ("99-AA-99", "AA-99-AA", "99-99-AA"), "", right_band=True),
    Country("GR", ("AAA-9999",), "CDFGJLQRSUVW"),
    Country("S", ("AAA 999", "AAA 99A"), "IQV", weight=0.1),
    Country("FIN", ("AAA-999",), ""),
    Country("DK", ("AA 99 999",), "IOQ"),
    Country("N", ("AA 99999",), "IMOQ"),
    Country("CH", ("%.999999", "%.99999"), places=("ZH", "BE", "VD", "GE", "AG", "SG")),
    Country("LT", ("AAA_999",), "QWX"),
    Country("UA", ("AA9999AA",), "DFGJLNQRSUVWYZ"),
)  # fmt: skip
CITIES = ("SP - SAO PAULO", "RJ - RIO DE JANEIRO", "MG - BELO HORIZONTE", "PR - CURITIBA",
          "RS - PORTO ALEGRE", "BA - SALVADOR", "PE - RECIFE", "CE - FORTALEZA", "SC - JOINVILLE",
          "GO - GOIANIA", "SP - CAMPINAS", "ES - VITORIA", "DF - BRASILIA", "PR - LONDRINA",
          "SP - SANTOS", "MG - UBERLANDIA", "SC - BLUMENAU", "SP - SOROCABA")  # fmt: skip
EU_BLUE: Colour = (150, 60, 20)
Boxes = tuple[tuple[int, int, int, int], ...]


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def draw(rng: np.random.Generator) -> DrawnPlate:
    """A European strip or square, or a Brazilian, Mercosul or other South American plate.

    Raises:
        models.training.plates.fonts.MissingFontsError: if a font is not installed.
    """
    fate = rng.random()
    if fate < 0.5:
        return _european(rng)
    if fate < 0.58:
        return _square(rng)
    return _grey(rng) if fate < 0.84 else _mercosul(rng)


def _country(rng: np.random.Generator) -> Country:
    return COUNTRIES[int(rng.integers(len(COUNTRIES)))]


def _tokens(rng: np.random.Generator, country: Country) -> tuple[Token, ...]:
    layout = _pick(rng, country.layouts)
    head: list[Token] = []
    if layout.startswith("%"):
        place = _pick(rng, country.places).replace("Ö", "O")
        head = [Token("char", char) for char in place]
        layout = layout[1:]
    return (*head, *serials.draw_layout(rng, layout, country.skip))


def _die(rng: np.random.Generator, country: Country) -> Die:
    fate = rng.random()
    if fate < 0.35:
        faces = ("OSP-DIN.ttf", "RG2014C.ttf", "RG2014D.ttf", "LiberationSans-Bold.ttf",
                 "RobotoCondensed-Bold.ttf", "NimbusSans-Bold.otf")  # fmt: skip
        return Die(width=country.width, font=_pick(rng, faces))
    if fate < 0.5:
        return dies.random_die(rng, 0.1)
    forms = {"1": "1flag", "I": "I", "A": "A", "M": "M", "4": "4", "J": "J"}
    if country.code in {"I", "GB", "E"}:
        forms["I"] = "Iserif"
        forms["1"] = "1serif" if country.code == "I" else "1flag"
    return dies.nearby(rng, Die(country.width, country.weight, 0.95), forms)


def _band(rng: np.random.Generator, canvas: Canvas, x: float, wide: float, code: str) -> None:
    height = canvas.height
    canvas.box(x, 0, wide, height, vary(rng, EU_BLUE, 10))
    middle, ring = (x + wide / 2, height * 0.34), min(wide * 0.3, height * 0.2)
    if rng.random() < 0.85:
        for angle in np.arange(0, 6.2, 6.283 / 12):
            canvas.disk(
                middle[0] + ring * np.cos(angle), middle[1] + ring * np.sin(angle),
                max(1.0, height * 0.016), (40, 200, 245),
            )  # fmt: skip
    else:
        canvas.box(x + wide * 0.2, height * 0.22, wide * 0.6, height * 0.26, (60, 190, 230))
    mask = lettering.line(_pick(rng, fonts.STYLES["sans"]), code, height * 0.2, wide * 0.8)
    canvas.paint(mask, (245, 245, 245), x + (wide - mask.shape[1]) / 2, height * 0.68)


def _frame(rng: np.random.Generator, canvas: Canvas, ink: Colour, radius: float) -> np.ndarray:
    height, width = canvas.height, canvas.width
    if rng.random() < 0.75:
        edge = max(2, round(height * 0.02))
        ring = np.zeros((height, width), np.uint8)
        outer = rounded(width - 2 * edge, height - 2 * edge, radius)
        ring[edge : height - edge, edge : width - edge] = outer
        inner = rounded(width - 4 * edge, height - 4 * edge, max(1.0, radius - edge))
        ring[2 * edge : height - 2 * edge, 2 * edge : width - 2 * edge] -= inner
        canvas.paint(ring, ink, 0, 0)
    return np.asarray(rounded(width, height, radius + 2), np.uint8)


def _back(rng: np.random.Generator, country: Country, width: int, height: int) -> Canvas:
    back = "#f3c62f" if country.back == "#f5f5f2" and rng.random() < 0.06 else country.back
    return Canvas(gradient(height, width, [vary(rng, colour(back), 5)]))


def _finish(
    rng: np.random.Generator,
    canvas: Canvas,
    radius: float,
    ink: Colour,
    text: str,
    kind: str,
    boxes: Boxes,
) -> DrawnPlate:
    alpha = _frame(rng, canvas, ink, radius)
    return DrawnPlate(with_alpha(canvas.picture, alpha), text, None, kind, boxes)


def _european(rng: np.random.Generator) -> DrawnPlate:
    country = _country(rng)
    height = 150
    width = round(height * 520 / 112 * float(rng.uniform(0.94, 1.04)))
    canvas = _back(rng, country, width, height)
    ink = vary(rng, colour(country.ink), 6)
    left, right = width * 0.02, width * 0.98
    old = rng.random() < 0.04
    if old:
        canvas.picture[:] = vary(rng, colour(_pick(rng, ("#16161a", "#1c2a4a", "#8f1f26"))), 8)
        ink = vary(rng, colour("#e4e4e0"), 8)
    if not old and rng.random() < 0.88:
        wide = height * float(rng.uniform(0.34, 0.44))
        _band(rng, canvas, 0, wide, country.code)
        left = wide + width * 0.008
    if country.right_band and rng.random() < 0.75:
        wide = height * 0.36
        canvas.box(width - wide, 0, wide, height, vary(rng, EU_BLUE, 10))
        right = width - wide - width * 0.008
    tokens = _tokens(rng, country)
    figure = ("shield", "seal", "scene")[int(rng.integers(3))]
    put = line.Line(
        x=left, y=height * float(rng.normal(0.5, 0.012)), width=right - left,
        height=height * float(rng.uniform(0.64, 0.74)), ink=ink, die=_die(rng, country),
        spacing=float(rng.uniform(0.08, 0.16)), gap=float(rng.uniform(0.25, 0.5)),
        emblem=(figure, colour("red"), colour("gold")), emblem_size=float(rng.uniform(0.35, 0.55)),
    )  # fmt: skip
    tokens = _sealed(rng, tokens)
    boxes = tuple(line.draw(canvas, tokens, put))
    kind = "foreign-eu"
    return _finish(rng, canvas, height * 0.08, ink, serials.text_of(tokens), kind, boxes)


def _sealed(rng: np.random.Generator, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Dots become seals: Germany's round stickers and others stand where the dot is written."""
    if rng.random() < 0.25:
        return tokens
    return tuple(Token("emblem") if one.kind == "dot" else one for one in tokens)


def _square(rng: np.random.Generator) -> DrawnPlate:
    """Two lines, as on motorcycles, vans and imports."""
    country = _country(rng)
    height = 260
    width = round(height * float(rng.uniform(1.25, 1.7)))
    canvas = _back(rng, country, width, height)
    ink = vary(rng, colour(country.ink), 6)
    left = width * 0.03
    if rng.random() < 0.6:
        wide = height * 0.2
        canvas.box(0, 0, wide, height * 0.5, vary(rng, EU_BLUE, 10))
        mask = lettering.line(
            _pick(rng, fonts.STYLES["sans"]), country.code, height * 0.09, wide * 0.8
        )
        canvas.paint(mask, (245, 245, 245), (wide - mask.shape[1]) / 2, height * 0.34)
        left = wide + 4
    tokens = [one for one in _tokens(rng, country) if one.kind == "char"]
    cut = max(2, min(len(tokens) - 2, len(tokens) // 2 + int(rng.integers(-1, 2))))
    die = _die(rng, country)
    tall = height * float(rng.uniform(0.36, 0.41))
    boxes: list[tuple[int, int, int, int]] = []
    for row, part in enumerate((tokens[:cut], tokens[cut:])):
        start = left if row == 0 else width * 0.03
        put = line.Line(
            x=start, y=height * (0.28 + 0.46 * row), width=width * 0.97 - start, height=tall,
            ink=ink,
            die=die, spacing=float(rng.uniform(0.1, 0.16)),
        )  # fmt: skip
        boxes.extend(line.draw(canvas, part, put))
    text = "".join(one.text for one in tokens)
    return _finish(rng, canvas, height * 0.05, ink, text, "foreign-eu", tuple(boxes))


def _grey(rng: np.random.Generator) -> DrawnPlate:
    """Brazil until 2018: grey (red or white for hire and public bodies), the city above."""
    height = 200
    width = round(height * 400 / 130)
    fate = rng.random()
    back, ink = colour("#b9bcbd"), (26, 26, 28)
    if fate < 0.12:
        back, ink = colour("#a3202a"), (240, 240, 240)
    elif fate < 0.2:
        back = colour("#eceded")
    elif fate < 0.24:
        back, ink = colour("#16161a"), (215, 215, 215)
    canvas = Canvas(gradient(height, width, [vary(rng, back, 12)]))
    file = _pick(rng, fonts.STYLES["condensed"] + fonts.STYLES["sans"])
    mask = lettering.line(file, _pick(rng, CITIES), height * 0.1, width * 0.55)
    canvas.paint(mask, ink, (width - mask.shape[1]) / 2, height * 0.09)
    tokens = serials.draw_layout(rng, "AAA-9999" if rng.random() < 0.6 else "AAA.9999")
    forms = {"1": "1flag", "I": "I", "A": "A", "Q": "Q", "M": "M", "W": "W"}
    die = dies.nearby(rng, Die(0.48, 0.105, 0.9), forms)
    if rng.random() < 0.35:
        die = Die(font=_pick(rng, ("OSP-DIN.ttf", "RG2014C.ttf", "LiberationSansNarrow-Bold.ttf")))
    put = line.Line(
        x=width * 0.03, y=height * 0.6, width=width * 0.94,
        height=height * float(rng.uniform(0.46, 0.52)),
        ink=ink, die=die, spacing=float(rng.uniform(0.1, 0.17)), gap=0.4,
    )  # fmt: skip
    boxes = tuple(line.draw(canvas, tokens, put))
    plate = _finish(rng, canvas, height * 0.06, ink, serials.text_of(tokens), "foreign-br", boxes)
    for share in (0.16, 0.84):
        spot = (round(share * width), round(height * 0.15))
        cv2.circle(plate.picture, spot, round(height * 0.035), (40, 40, 40, 0), -1, cv2.LINE_AA)
    return plate


MERCOSUL = (
    ("BRASIL", "AAA9A99"), ("BRASIL", "AAA9A99"), ("BRASIL", "AAA9A99"), ("BRASIL", "AAA9A99"),
    ("REPUBLICA ARGENTINA", "AA 999 AA"), ("URUGUAY", "AAA 9999"), ("PARAGUAY", "AAAA 999"),
)  # fmt: skip


def _mercosul(rng: np.random.Generator) -> DrawnPlate:
    """The common plate of South America: white under a blue band with the country's name."""
    height = 200
    width = round(height * 400 / 130)
    canvas = Canvas(gradient(height, width, [vary(rng, colour("#f4f4f1"), 5)]))
    canvas.box(0, 0, width, height * 0.23, vary(rng, colour("#1f3f9c"), 10))
    country, layout = MERCOSUL[int(rng.integers(len(MERCOSUL)))]
    mask = lettering.line(_pick(rng, fonts.STYLES["sans"]), country, height * 0.1, width * 0.5)
    canvas.paint(mask, (245, 245, 245), (width - mask.shape[1]) / 2, height * 0.065)
    name = "brazil" if country == "BRASIL" else "bands"
    pair = [colour(_pick(rng, ("#7fb2dd", "#b3202d", "#1f3f9c", "#e8c24a"))) for _ in range(2)]
    flag = emblems.sprite(name, 50, 34, pair[0], pair[1])
    canvas.stamp(flag, width - 62, height * 0.03)
    if country == "BRASIL":
        code = lettering.line(_pick(rng, fonts.STYLES["sans"]), "BR", height * 0.1, width * 0.08)
        canvas.paint(code, (26, 26, 28), width * 0.03, height * 0.82)
    ink = colour(_pick(rng, ("#17171a", "#17171a", "#17171a", "#b3202d", "#1f3f9c", "#1d6a3c")))
    tokens = serials.draw_layout(rng, layout)
    die = Die(width=0.5, weight=0.12, radius=0.95)
    if rng.random() < 0.5:
        die = Die(font=_pick(rng, ("OSP-DIN.ttf", "RG2014D.ttf", "LiberationSans-Bold.ttf")))
    else:
        die = dies.nearby(rng, die, {"1": "1flag", "I": "I", "A": "A", "M": "M"})
    put = line.Line(
        x=width * (0.09 if country == "BRASIL" else 0.03), y=height * 0.6, width=width * 0.87,
        height=height * float(rng.uniform(0.5, 0.56)), ink=ink, die=die,
        spacing=float(rng.uniform(0.1, 0.16)), gap=0.3,
    )  # fmt: skip
    boxes = tuple(line.draw(canvas, tokens, put))
    frame: Colour = (30, 30, 30)
    return _finish(rng, canvas, height * 0.06, frame, serials.text_of(tokens), "foreign-br", boxes)
