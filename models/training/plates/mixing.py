"""What real designs leave out: made-up mixtures, special groups, trades, motorcycles.

Mixtures keep the name of their state and take everything else from anywhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.contract.plates import STATES
from models.training.plates import designs, emblems, fonts, lettering, scenery, serials
from models.training.plates.canvas import Canvas, Colour, colour, luminance, mixed
from models.training.plates.designs import Design, Figure, Words
from models.training.plates.names import NAMES
from models.training.plates.serials import Token

INKS = ("#1d2c63", "#b3202d", "#16161a", "#1d6a3c", "#f4f4f0", "#e8c24a", "#5b3a22", "#4b2c72",
        "#1f7f86", "#d0462c", "#2f62b0", "#7a1e2b")  # fmt: skip
SLOGANS = (
    "IN GOD WE TRUST", "Protect Wildlife", "SUPPORT OUR TROOPS", "University", "STATE UNIVERSITY",
    "Save the Bay", "Firefighter", "Agriculture", "Support the Arts", "National Guard",
    "Professional Engineer", "Conserve Wild Resources", "Fight Cancer", "Be an Organ Donor",
    "Educator", "Preserve Our Heritage", "COMBAT VETERAN", "PURPLE HEART", "DISABLED VETERAN",
    "Amateur Radio", "HISTORIC VEHICLE", "Antique", "RAIL TRAILS", "Animal Friend", "4-H",
    "Children First", "DREAM BIG", "Golden Anniversary", "Home of the Brave", "State Parks",
    "Ducks & Wetlands", "Sea Turtles", "Share the Road", "LAW ENFORCEMENT", "www.state.us",
    "Bicentennial", "Classic Motor Vehicle", "Invest in Schools", "Choose Kindness", "GO STATE!",
)  # fmt: skip
TRADES = (
    ("truck", "TRUCK"), ("truck", "COMMERCIAL"), ("trailer", "TRAILER"), ("trailer",
    "UTILITY TRAILER"),
    ("apportioned", "APPORTIONED"), ("dealer", "DEALER"), ("municipal", "MUNICIPAL"),
    ("municipal", "GOVERNMENT"), ("municipal", "STATE OWNED"), ("municipal", "EXEMPT"),
    ("farm", "FARM"), ("farm", "FARM TRUCK"), ("fleet", "FLEET"), ("fleet", "PERMANENT"),
    ("taxi", "TAXI"), ("livery", "LIVERY"), ("bus", "BUS"), ("rental", "RENTAL"),
    ("camper", "CAMPER"), ("antique", "ANTIQUE"), ("police", "POLICE"), ("municipal",
    "US GOVERNMENT"),
)  # fmt: skip
DISABLED = ("9999", "99999", "999AA", "AA999", "99A99", "9999A", "<DP>9999", "<HP>9999", "A9999",
            "99DV", "999DP", "HP999", "AAA99", "999 99")  # fmt: skip
SIDE_WORDS = (
    "VETERAN", "DISABLED", "PERMANENT", "TRUCK", "TRAILER", "DEALER", "RESERVE", "HONORARY",
    "MEMBER", "RETIRED", "EXEMPT", "COMBAT", "ALUMNI", "FARM", "LIMITED", "FIRE", "RESCUE",
    "AMATEUR", "STATE", "APPORTIONED", "COMMERCIAL",
)  # fmt: skip
COUNTIES = ("Washington", "Jefferson", "Franklin", "Jackson", "Lincoln", "Madison", "Clay",
    "Monroe",
            "Union", "Marion", "Wayne", "Montgomery", "Greene", "Warren", "Carroll", "Adams",
            "Lake",
            "Douglas", "Lee", "Marshall", "Scott", "Grant", "Fayette", "Knox")  # fmt: skip
LETTERS = serials.LETTERS


def _pick(rng: np.random.Generator, options: tuple[str, ...] | list[str] | str) -> str:
    return options[int(rng.integers(len(options)))]


def _any_design(rng: np.random.Generator) -> Design:
    options = designs.load()[_pick(rng, STATES)]
    return options[int(rng.integers(len(options)))]


def _readable(rng: np.random.Generator, back: Colour) -> Colour:
    for _ in range(8):
        ink = colour(_pick(rng, INKS))
        if abs(luminance(ink) - luminance(back)) > 75:
            return ink
    return (24, 24, 26) if luminance(back) > 110 else (244, 244, 240)


def layout_of(rng: np.random.Generator, design: Design) -> str:
    """A layout for the design: mostly its own, sometimes one spread from the state's shapes."""
    if design.kind == "mixed":
        return serials.any_layout(rng) if rng.random() < 0.5 else _pick(rng, design.serials)
    issued = serials.issued()[design.state]
    if design.kind == "passenger" and rng.random() < 0.2:
        return serials.spread(rng, _pick(rng, issued["passenger"]))
    return pick_layout(rng, design)


def pick_layout(rng: np.random.Generator, design: Design) -> str:
    """One of the design's own layouts."""
    return _pick(rng, design.serials)


def mix(rng: np.random.Generator, design: Design) -> Design:
    """The state's name on another design, with made-up inks, lettering, scenery and emblems."""
    other = _any_design(rng)
    back = other.back if rng.random() < 0.6 else _any_design(rng).back
    if rng.random() < 0.2:
        shade = rng.integers(0, 256, 3)
        back = ((int(shade[0]), int(shade[1]), int(shade[2])),)
    if rng.random() < 0.15:
        back = tuple(reversed(back))
    middle = back[len(back) // 2]
    ink = (
        other.ink if abs(luminance(other.ink) - luminance(middle)) > 75 else _readable(rng, middle)
    )
    if rng.random() < 0.3:
        ink = _readable(rng, middle)
    scenes = other.scenes
    if rng.random() < 0.4:
        chosen = [_pick(rng, list(scenery.SCENES)) for _ in range(int(rng.integers(0, 3)))]
        scenes = tuple(
            (name, tuple(_faint(rng, ink, middle) for _ in range(int(rng.integers(1, 4)))))
            for name in chosen
        )
    figure = any_logo(rng)
    emblem_state = _pick(rng, STATES) if rng.random() < 0.4 else None
    emblem = replace(figure, name=emblem_state) if emblem_state else figure
    badge = other.badge if rng.random() < 0.5 else None
    logo = any_logo(rng) if rng.random() < 0.15 else None
    return replace(
        design,
        kind="mixed",
        serials=other.serials,
        ink=ink,
        back=back,
        across=bool(rng.random() < 0.1),
        scenes=scenes,
        words=_mixed_words(rng, design, other, back, other.bands),
        bands=other.bands,
        emblem=other.emblem if other.emblem and rng.random() < 0.5 else emblem,
        badge=badge,
        logo=logo,
        stickers=_any_stickers(rng),
        border=ink if rng.random() < 0.1 else None,
        skip=str(rng.choice(["IOQ", "IO", ""], p=[0.6, 0.25, 0.15])),
        die=other.die,
        forms=(),
    )


def _faint(rng: np.random.Generator, ink: Colour, back: Colour) -> Colour:
    """A colour that leaves the serial readable: on the background's side of the ink."""
    free = rng.integers(0, 256, 3)
    far = (int(free[0]), int(free[1]), int(free[2]))
    tint = mixed(back, far, float(rng.uniform(0.2, 0.6)))
    return tint if abs(luminance(tint) - luminance(ink)) > 60 else mixed(back, far, 0.1)


def _any_stickers(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(corner for corner in ("tl", "tr", "bl", "br") if rng.random() < 0.35)


def _mixed_words(
    rng: np.random.Generator,
    design: Design,
    other: Design,
    back: tuple[Colour, ...],
    bands: tuple[tuple[str, Colour, float], ...],
) -> tuple[Words, ...]:
    top = next((ink for place, ink, share in bands if place == "top" and share > 0.1), back[0])
    low = next((ink for place, ink, share in bands if place == "bottom" and share > 0.1), back[-1])
    at_top = rng.random() < 0.78
    name_text = NAMES[design.state]
    if len(design.whole_name) == 1 and rng.random() < 0.5:
        name_text = _pick(rng, design.name.texts)
    case = rng.random()
    if case < 0.3:
        name_text = name_text.upper()
    elif case < 0.45:
        name_text = NAMES[design.state]
    style = _pick(rng, [one for one in fonts.STYLES if one not in {"print", "din"}])
    if style == "script" and name_text.isupper():
        name_text = NAMES[design.state]
    under = top if at_top else low
    name = Words(
        texts=(name_text,),
        place="top" if at_top else "bottom",
        font=style,
        ink=_readable(rng, under),
        size=float(rng.uniform(0.075, 0.15)),
        outline=_readable(rng, under) if rng.random() < 0.1 else None,
        arch=bool(rng.random() < 0.06),
        spaced=bool(rng.random() < 0.2 and len(name_text) < 11),
        stretch=float(rng.uniform(0.8, 1.3)),
        x=float(rng.uniform(0.35, 0.65)) if rng.random() < 0.25 else 0.5,
    )
    if name.outline == name.ink:
        name = replace(name, outline=None)
    if rng.random() < 0.12:
        return (name,)
    slogans = [one for one in other.words[1:] if "@county" not in one.texts]
    text = _slogan(rng, design)
    if slogans and rng.random() < 0.15:
        text = _pick(rng, slogans[0].texts)
    slogan = Words(
        texts=(text.upper() if rng.random() < 0.3 else text,),
        place="bottom" if at_top else "top",
        font=_pick(rng, [one for one in fonts.STYLES if one not in {"print", "din"}]),
        ink=_readable(rng, low if at_top else top),
        size=float(rng.uniform(0.045, 0.09)),
        spaced=bool(rng.random() < 0.1),
        x=float(rng.uniform(0.35, 0.65)) if rng.random() < 0.2 else 0.5,
    )
    return (name, slogan)


def _slogan(rng: np.random.Generator, design: Design) -> str:
    """A group's words, or a university, which now and then is another state's."""
    if rng.random() > 0.15:
        return _pick(rng, SLOGANS)
    state = design.state if rng.random() < 0.8 else _pick(rng, STATES)
    name = NAMES[state]
    return _pick(rng, (f"University of {name}", f"{name} State University", f"{name} Tech",
                       f"{name} Alumni", f"{name} State"))  # fmt: skip


def any_logo(rng: np.random.Generator) -> Figure:
    """A large emblem of any kind and colours."""
    name = _pick(rng, emblems.LOGOS) if rng.random() < 0.85 else _pick(rng, STATES)
    inks = [colour(_pick(rng, INKS)) for _ in range(2)]
    return Figure(name, inks[0], inks[1] if inks[1] != inks[0] else (246, 246, 246))


def initials(
    rng: np.random.Generator, canvas: Canvas, x: float, y: float, wide: float, tall: float
) -> None:
    """One to three letters over a logo, as universities and clubs have them."""
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
    text = "".join(_pick(rng, LETTERS) for _ in range(count))
    file = _pick(rng, fonts.STYLES["slab"] + fonts.STYLES["wide"] + fonts.STYLES["italic"])
    mask = lettering.line(file, text, tall * 0.5, wide * 0.75)
    ink = colour(_pick(rng, INKS))
    left, top = x + (wide - mask.shape[1]) / 2, y + (tall - mask.shape[0]) / 2
    canvas.paint(lettering.grown(mask, 2), (246, 246, 246), left - 2, top - 2)
    canvas.paint(mask, ink, left, top)


def special(rng: np.random.Generator, design: Design) -> tuple[Design, tuple[Token, ...]]:
    """A special group's plate: a logo at the left, often a stacked column, the group's words."""
    count = int(rng.choice([1, 2, 3], p=[0.15, 0.55, 0.3]))
    column = "".join(_pick(rng, LETTERS) for _ in range(count))
    if rng.random() < 0.15:
        column = _pick(
            rng, ["DV", "EMT", "POW", "VET", "FF", "NG", "HAM", "ANT", "DLR", "TRK", "USN"]
        )
    if rng.random() < 0.08:
        column = "".join(_pick(rng, serials.DIGITS) for _ in range(2))
    body = _pick(
        rng,
        ["9999", "99999", "999A", "9999A", "99AA", "999", "A9999", "9A99", "99A9", "999AA", "99",
        "9",
         "AA999", "999999", "AA99", "9 999", "99 999", "999A9"])  # fmt: skip
    tokens = list(serials.draw_layout(rng, body, design.skip))
    fate = rng.random()
    if fate < 0.42:
        tokens.insert(0, Token("class", column))
    elif fate < 0.6:
        tokens.append(Token("class", column))
    slogan = Words(
        (_slogan(rng, design),),
        "bottom" if design.name.place == "top" else "top",
        _pick(rng, ["serif", "sans", "italic", "oblique", "condensed", "slab"]),
        design.words[1].ink if len(design.words) > 1 else design.ink,
        float(rng.uniform(0.05, 0.08)),
    )
    keep = design.words if rng.random() < 0.3 else (*design.whole_name, slogan)
    logo = any_logo(rng) if rng.random() < 0.82 else None
    plain = rng.random() < 0.5
    fancy = _fancy(rng, design) if rng.random() < 0.4 else ()
    return (
        replace(
            design,
            logo=logo,
            badge=None,
            words=keep,
            scenes=() if plain and not fancy else (*design.scenes, *fancy),
            back=(colour("white"),) if plain and luminance(design.ink) < 130 else design.back,
        ),
        tuple(tokens),
    )


def _fancy(rng: np.random.Generator, design: Design) -> tuple[tuple[str, tuple[Colour, ...]], ...]:
    name = _pick(
        rng, ["panel", "panel", "clouds", "flowers", "sea", "swoosh", "specks", "sun", "hills"]
    )
    middle = design.back[len(design.back) // 2]
    return ((name, tuple(_faint(rng, design.ink, middle) for _ in range(3))),)


def disabled(rng: np.random.Generator, design: Design) -> tuple[Design, tuple[Token, ...]]:
    """A plate with the wheelchair among or beside its characters."""
    body = list(serials.draw_layout(rng, _pick(rng, DISABLED), design.skip))
    place = int(rng.choice([0, len(body)])) if rng.random() < 0.8 else len(body) // 2
    body.insert(place, Token("emblem"))
    ink = design.ink if rng.random() < 0.5 else colour(_pick(rng, ("#1f4fa3", "#2f62b0")))
    figure = Figure("chair", ink, (246, 246, 246))
    return replace(design, emblem=figure, logo=None, badge=None), tuple(body)


def trade(rng: np.random.Generator, design: Design) -> tuple[str, Design, tuple[Token, ...]]:
    """A plate for a trade or a public body, with its word where the slogan stood."""
    kind, word = TRADES[int(rng.integers(len(TRADES)))]
    issued = serials.issued()[design.state]
    others = [shape for use, shapes in issued.items() if use != "passenger" for shape in shapes]
    layout = serials.any_layout(rng)
    if others and rng.random() < 0.6:
        layout = serials.spread(rng, _pick(rng, others))
    line = Words(
        (word,),
        "bottom" if design.name.place == "top" else "top",
        _pick(rng, ["sans", "condensed", "wide"]),
        design.words[1].ink if len(design.words) > 1 else design.ink,
        float(rng.uniform(0.06, 0.095)),
        spaced=bool(rng.random() < 0.2),
    )
    return (
        kind,
        replace(design, words=(*design.whole_name, line)),
        serials.draw_layout(rng, layout, design.skip),
    )


def side_word(rng: np.random.Generator) -> str:
    """A word that stands on end at one side."""
    return _pick(rng, SIDE_WORDS)


def motorcycle_layout(rng: np.random.Generator, design: Design) -> str:
    """A short serial as motorcycles carry it."""
    issued = serials.issued()[design.state].get("motorcycle", ())
    if issued and rng.random() < 0.5:
        return serials.spread(rng, _pick(rng, list(issued)))
    return _pick(rng, ["99AAA", "AAA99", "99999", "9999A", "A9999", "AA999", "AA9999", "999999",
                       "99AA", "9A999", "AAA9A", "99 999"])  # fmt: skip


def county(rng: np.random.Generator, design: Design) -> str:
    """A county's name: one of the state's, or a common one."""
    options = design.counties or COUNTIES
    made = _pick(rng, options)
    return made.upper() if rng.random() < 0.7 else made
