"""What a drawn plate is: its flat picture and everything a network may be asked about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPlate:
    """A clean plate seen front on.

    Attributes:
        picture: (h, w, 4) uint8 BGRA, about 300 px high for a 12 x 6 inch plate; alpha is 0 off
            the rounded corners and in the bolt holes.
        text: the serial as a record writes it: A to Z and 0 to 9 without separators and emblems.
        state: USPS code of the state whose name is drawn, None for foreign plates.
        kind: what the plate is for: passenger, vanity, temporary, foreign-eu and so on.
        characters: x, y, w, h in pixels of each character of the text, in its order.
    """

    picture: NDArray[np.uint8]
    text: str
    state: str | None
    kind: str
    characters: tuple[tuple[int, int, int, int], ...]
