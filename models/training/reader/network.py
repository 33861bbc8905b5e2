"""The reader's network: the text by the recogniser's trunk, the state by strips of the plate.

The text is read from the whole plate. The state's name stands above or below the serial and is too
small for that, so a second branch looks at both strips closer, and at the plate's colours. Its
trunk stays as it was trained on all kinds of lettering: drawn plates have fewer fonts than the
world, and what it sees of a name in a font never drawn is worth more than fitting those drawn.
"""

from __future__ import annotations

import copy
import string
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everywhere
from torch import Tensor, nn

from edge.contract.plates import STATES
from edge.vision.plate_reader import HEIGHT_PX, UNKNOWN, WIDTH_PX

from .recogniser import FEATURES, Recogniser

ALPHABET = string.digits + string.ascii_uppercase
CLASSES = (*STATES, UNKNOWN)
TEXT_SIZE_PX = (48, 160)  # height, width
STRIP_ROWS = 36  # of the 96 of the input
STRIP_HEIGHT_PX = 32
TRUNK_CHANNELS = 384
WORD_CHANNELS = 192
COLOUR_CELL_PX = 8
COLOUR_FEATURES = 64
DROPOUT = 0.3
NOISE = 0.1


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
        self.strip_trunk = copy.deepcopy(nn.Sequential(trunk.blocks4, trunk.blocks5))
        self.strip_trunk.requires_grad_(False)
        self.words = Words()
        self.colours = nn.Sequential(
            nn.Flatten(),
            nn.Linear(
                3 * (HEIGHT_PX // COLOUR_CELL_PX) * (WIDTH_PX // COLOUR_CELL_PX), COLOUR_FEATURES
            ),
            nn.GELU(),
            nn.Dropout(DROPOUT),
        )
        self.states = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(2 * 2 * WORD_CHANNELS + COLOUR_FEATURES, 256),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(256, len(CLASSES)),
        )

    def train(self, mode: bool = True) -> PlateNetwork:
        """Let the state's layers drop out and gather statistics; the others stay as in use."""
        super().train(mode)
        for part in (self.strokes, self.letters, self.shapes, self.neck, self.strip_trunk):
            part.train(False)
        return self

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of characters (n, t, 37) and of states (n, 52)."""
        return self.character_logits(pictures), self.state_logits(pictures)

    def character_logits(self, pictures: Tensor) -> Tensor:
        """Logits (n, t, 37)."""
        whole = F.interpolate(_scaled(pictures), TEXT_SIZE_PX, mode="bilinear")
        letters = self.letters(self.strokes(whole.contiguous(memory_format=torch.channels_last)))
        logits: Tensor = self.characters(self.neck(F.avg_pool2d(self.shapes(letters), (3, 2))))
        return logits

    def state_logits(self, pictures: Tensor) -> Tensor:
        """Logits (n, 52)."""
        scaled = _scaled(pictures)
        strips = torch.cat([scaled[:, :, :STRIP_ROWS], scaled[:, :, -STRIP_ROWS:]])
        strips = F.interpolate(strips, (STRIP_HEIGHT_PX, WIDTH_PX), mode="bilinear")
        with torch.no_grad():
            strokes = self.strokes(strips.contiguous(memory_format=torch.channels_last))
            letters = self.strip_trunk(strokes)
        top, bottom = self.words(letters).chunk(2)
        cells = F.avg_pool2d(scaled, COLOUR_CELL_PX)
        if self.training:
            light = torch.randn(len(cells), 1, 1, 1, device=cells.device)
            tint = torch.randn(len(cells), 3, 1, 1, device=cells.device)
            cells = cells * (1 + 0.15 * light) + 0.15 * tint
        logits: Tensor = self.states(torch.cat([top, bottom, self.colours(cells)], dim=1))
        return logits


def _scaled(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).float() * (2 / 255) - 1


class Words(nn.Module):
    """Features of letters (n, 384, h, w) to which words a strip holds (n, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.standard = nn.BatchNorm1d(2 * TRUNK_CHANNELS, affine=False, momentum=0.02)
        self.narrow = nn.Conv1d(2 * TRUNK_CHANNELS, WORD_CHANNELS, 1)
        self.layers = nn.ModuleList(
            nn.Conv1d(WORD_CHANNELS, WORD_CHANNELS, 5, padding=2) for _ in range(3)
        )

    def forward(self, letters: Tensor) -> Tensor:
        """The mean and the largest of each feature along the strip."""
        columns = torch.cat([letters.mean(2), letters.amax(2)], dim=1)
        found = self.standard(F.avg_pool1d(columns, 2))
        if self.training:
            found = found + NOISE * torch.randn_like(found)
        found = F.gelu(self.narrow(found))
        for layer in self.layers:
            found = found + F.gelu(layer(found))
        return torch.cat([found.mean(2), found.amax(2)], dim=1)


def _cut(head: nn.Linear, classes: tuple[str, ...]) -> nn.Linear:
    """The head's rows of the blank and of the characters of plates."""
    rows = [0] + [classes.index(character) + 1 for character in ALPHABET]
    cut = nn.Linear(FEATURES, len(rows))
    with torch.no_grad():
        cut.weight.copy_(head.weight[rows])
        cut.bias.copy_(head.bias[rows])
    return cut
