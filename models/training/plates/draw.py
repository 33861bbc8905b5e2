"""Choosing what to draw: a design, its serial, and a share of mixtures of designs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.contract.plates import STATES
from models.training.plates import designs, dies, foreign, mixing, serials, temporary, vanity
from models.training.plates.compose import MOTORCYCLE_PX, PLATE_PX, Plan, compose
from models.training.plates.designs import Design
from models.training.plates.plate import DrawnPlate

NEIGHBOURS = 0.12
"""Share of foreign plates that come from Canada, Mexico and other issuers of the states' size."""


def draw_plate(rng: np.random.Generator, state: str | None = None) -> DrawnPlate:
    """A plate of that state, or of any of them.

    About a third are mixtures: a state's name on another's design with any die and format, so
    that whoever learns from them reads the name and the characters instead of knowing layouts.

    Raises:
        KeyError: if the state is none.
        models.training.plates.fonts.MissingFontsError: if a font is not installed.
    """
    state = state or STATES[int(rng.integers(len(STATES)))]
    fate = rng.random()
    if fate < 0.04:
        return temporary.draw(rng, designs.load()[state][0])
    return compose(rng, _plan(rng, state, mixed=fate > 0.66))


def draw_foreign(rng: np.random.Generator) -> DrawnPlate:
    """A plate of no state: European, South American, or of the states' size from elsewhere.

    Raises:
        models.training.plates.fonts.MissingFontsError: if a font is not installed.
    """
    if rng.random() > NEIGHBOURS:
        return foreign.draw(rng)
    others = tuple(design for options in designs.load_others().values() for design in options)
    design = _choose(rng, others)
    tokens = serials.draw_layout(rng, mixing.pick_layout(rng, design), design.skip)
    if rng.random() < 0.1:
        tokens = vanity.tokens(rng)
    die = dies.nearby(rng, design.die, {}) if rng.random() < 0.7 else dies.random_die(rng)
    return compose(rng, Plan(design, tokens, "foreign-na", die))


def _choose(rng: np.random.Generator, options: tuple[Design, ...]) -> Design:
    shares = np.array([design.weight for design in options])
    return options[int(rng.choice(len(options), p=shares / shares.sum()))]


def _plan(rng: np.random.Generator, state: str, mixed: bool) -> Plan:
    design = _choose(rng, designs.load()[state])
    if mixed:
        design = mixing.mix(rng, design)
    size, rows = PLATE_PX, 1
    kind = design.kind
    fate = rng.random()
    own = design.kind in {"passenger", "county", "mixed"}
    if own and fate < 0.17:
        kind = "vanity"
        tokens = vanity.tokens(rng, 7 if rng.random() < 0.92 else 8)
        if rng.random() < 0.25:
            design = replace(design, logo=mixing.any_logo(rng), badge=None)
    elif own and fate < 0.27:
        kind = "special"
        design, tokens = mixing.special(rng, design)
    elif own and fate < 0.32:
        kind, design, tokens = mixing.trade(rng, design)
    elif own and fate < 0.345:
        kind = "disabled"
        design, tokens = mixing.disabled(rng, design)
    elif own and fate < 0.375:
        kind, size = "motorcycle", MOTORCYCLE_PX
        shape = mixing.motorcycle_layout(rng, design)
        tokens = serials.draw_layout(rng, shape, design.skip)
        design = replace(design, logo=None)
        if len(tokens) >= 4 and rng.random() < 0.25:
            rows, tokens = 2, tuple(token for token in tokens if token.kind == "char")
    else:
        tokens = serials.draw_layout(rng, mixing.layout_of(rng, design), design.skip)
    if mixed or rng.random() < 0.12:
        die = dies.random_die(rng, 0.15 if mixed else 0.4)
    else:
        die = dies.nearby(rng, design.die, dict(design.forms))
    return Plan(design, tokens, kind, die, size, rows, state)
