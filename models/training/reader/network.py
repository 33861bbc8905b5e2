"""The reader's network: the text by the recogniser's trunk, the state by strips of the plate.

The first layers know strokes and are the recogniser's own; both branches share them. The text is
read from the whole plate. The state's name stands above or below the serial and is too small for
that, so a second branch looks at both strips closer, and at the plate's colours and layout.
"""

from __future__ import annotations

import copy
import string
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everywhere
from torch import Tensor, nn

from edge.contract.plates import STATES
from edge.vision.plate_reader import UNKNOWN

from .recogniser import FEATURES, Recogniser

ALPHABET = string.digits + string.ascii_uppercase
CLASSES = (*STATES, UNKNOWN)
TEXT_SIZE_PX = (48, 160)  # height, width
STRIP_ROWS = 36  # of the 96 of the input
STRIP_HEIGHT_PX = 32
STATE_BLOCKS = 3
TRUNK_CHANNELS = 192
WORD_CHANNELS = 128
COLOUR_FEATURES = 128
DROPOUT = 0.25


class PlateNetwork(nn.Module):
    """Pictures (n, 96, 192, 3) uint8 BGR to logits of characters (n, t, 37) and states (n, 52).

    Class 0 of the characters is the blank; the states are in the order of CLASSES.
    """

    def __init__(self, recogniser: Recogniser, head: nn.Linear, classes: tuple[str, ...]) -> None:
        """`head` and `classes` are the recogniser's, from which the plates' characters are kept."""
        super().__init__()
        trunk: Any = recogniser.backbone
        self.strokes = nn.Sequential(trunk.conv1, trunk.blocks2, trunk.blocks3)
        self.letters: nn.Module = trunk.blocks4
        self.shapes: nn.Module = trunk.blocks5
        self.neck: nn.Module = recogniser.neck
        self.characters = _cut(head, classes)
        self.state_letters = copy.deepcopy(nn.Sequential(*list(trunk.blocks4)[:STATE_BLOCKS]))
        self.words = Words()
        self.colours = Colours()
        features = 2 * 2 * WORD_CHANNELS + 2 * TRUNK_CHANNELS + COLOUR_FEATURES
        self.states = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(features, 320),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(320, len(CLASSES)),
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of characters (n, t, 37) and of states (n, 52)."""
        scaled = pictures.permute(0, 3, 1, 2).float() * (2 / 255) - 1
        whole = F.interpolate(scaled, TEXT_SIZE_PX, mode="bilinear", align_corners=False)
        letters = self.letters(self.strokes(whole.contiguous(memory_format=torch.channels_last)))
        text = self.neck(F.avg_pool2d(self.shapes(letters), (3, 2)))
        return self.characters(text), self.state_logits(scaled, letters.detach())

    def state_logits(self, scaled: Tensor, letters: Tensor) -> Tensor:
        """Logits of states (n, 52) for pictures (n, 3, 96, 192) and the whole plate's features."""
        width = scaled.shape[3]
        strips = torch.cat([scaled[:, :, :STRIP_ROWS], scaled[:, :, -STRIP_ROWS:]])
        strips = F.interpolate(strips, (STRIP_HEIGHT_PX, width), mode="bilinear")
        seen = self.words(
            self.state_letters(self.strokes(strips.contiguous(memory_format=torch.channels_last)))
        )
        top, bottom = seen.chunk(2)
        layout = torch.cat([letters.mean((2, 3)), letters.amax((2, 3))], dim=1)
        logits: Tensor = self.states(torch.cat([top, bottom, layout, self.colours(scaled)], dim=1))
        return logits


class Words(nn.Module):
    """Features of letters (n, 192, h, w) to which words a strip holds (n, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(2 * TRUNK_CHANNELS, WORD_CHANNELS, 5, padding=2),
            nn.GELU(),
            nn.Conv1d(WORD_CHANNELS, WORD_CHANNELS, 5, stride=2, padding=2),
            nn.GELU(),
            nn.Conv1d(WORD_CHANNELS, WORD_CHANNELS, 5, padding=2),
            nn.GELU(),
        )

    def forward(self, letters: Tensor) -> Tensor:
        """The mean and the largest of each feature along the strip."""
        found = self.layers(torch.cat([letters.mean(2), letters.amax(2)], dim=1))
        return torch.cat([found.mean(2), found.amax(2)], dim=1)


class Colours(nn.Module):
    """Pictures (n, 3, 96, 192) to features (n, 128) of where the plate has which colour."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 24, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(48 * 3 * 6, COLOUR_FEATURES),
            nn.GELU(),
        )

    def forward(self, scaled: Tensor) -> Tensor:
        """Features (n, 128)."""
        features: Tensor = self.layers(F.avg_pool2d(scaled, 8))
        return features


def _cut(head: nn.Linear, classes: tuple[str, ...]) -> nn.Linear:
    """The head's rows of the blank and of the characters of plates."""
    rows = [0] + [classes.index(character) + 1 for character in ALPHABET]
    cut = nn.Linear(FEATURES, len(rows))
    with torch.no_grad():
        cut.weight.copy_(head.weight[rows])
        cut.bias.copy_(head.bias[rows])
    return cut
