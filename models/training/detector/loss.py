"""What the network should have said: which cells answer for which plate, and how wrong they are.

Each plate goes to the cells in and about it, of the strides that suit its size, whose score and
box agree with it best by now (task-aligned assignment, Feng et al., TOOD, ICCV 2021); the score
they should give is how well their box covers it (varifocal loss, Zhang et al., CVPR 2021), the
box is judged by generalised IoU (Rezatofighi et al., CVPR 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from edge.vision.plate_detector import MOST_LOG_STRIDES, STRIDES, cell_middles

WIDTHS_PX = {8: (0.0, 150.0), 16: (50.0, 300.0), 32: (120.0, 1e9)}
"""Which widths of plates the cells of a stride answer for."""
CELLS_PER_PLATE = 10
SCORE_POWER = 0.5
OVERLAP_POWER = 4.0
OTHERS_WEIGHT = 0.75
BOX_WEIGHT = 2.5
CORNERS_WEIGHT = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is in a batch; plates and regions without one are all zero.

    `boxes` (n, plates, 4: left, top, right, bottom) in pixels; `corners` (n, plates, 4, 2), NaN
    where they are not known; `ignored` (n, regions, 4) where nothing is sure.
    """

    boxes: Tensor
    corners: Tensor
    ignored: Tensor


class DetectorLoss:
    """The loss for pictures of one size."""

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        middles, strides = cell_middles(height, width)
        self._middles = torch.from_numpy(middles).to(device)
        self._strides = torch.from_numpy(strides).to(device)
        ranges = torch.tensor([WIDTHS_PX[int(stride)] for stride in strides])
        self._widths = ranges.to(device)
        assert set(WIDTHS_PX) == set(STRIDES)  # noqa: S101

    def __call__(self, cells: Tensor, truth: Truth) -> dict[str, Tensor]:
        """The loss of an answer (n, 13, cells), and its parts."""
        logits = cells[:, 0]
        boxes = self._boxes(cells)
        targets, owners = self._assign(logits.detach(), boxes.detach(), truth)
        weight = targets.sum().clamp(min=1.0)
        score_loss = self._score_loss(logits, targets, truth.ignored) / weight
        picture, cell = torch.nonzero(targets > 0, as_tuple=True)
        plate = owners[picture, cell]
        share = targets[picture, cell]
        wanted = truth.boxes[picture, plate]
        box_loss = ((1 - _generalised_iou(boxes[picture, cell], wanted)) * share).sum() / weight
        corner_loss = (
            self._corner_loss(
                cells[picture, 5:, cell], boxes[picture, cell].detach(),
                wanted, truth.corners[picture, plate], share,
            ) / weight
        )  # fmt: skip
        total = score_loss + BOX_WEIGHT * box_loss + CORNERS_WEIGHT * corner_loss
        return {"loss": total, "score": score_loss, "box": box_loss, "corners": corner_loss}

    def _boxes(self, cells: Tensor) -> Tensor:
        reach = torch.exp(cells[:, 1:5].clamp(max=MOST_LOG_STRIDES)) * self._strides
        low = self._middles.T - reach[:, :2]
        high = self._middles.T + reach[:, 2:]
        return torch.cat([low, high], 1).transpose(1, 2)

    def _assign(self, logits: Tensor, boxes: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
        """The score each cell should give (n, cells), and the plate (n, cells) it is of."""
        plates = truth.boxes
        size = plates[..., 2:] - plates[..., :2]
        real = size[..., 0] > 0
        middle = (plates[..., 2:] + plates[..., :2]) / 2
        # A plate lower than a cell still has cells: those within reach of its middle.
        reach = torch.maximum(size[:, :, None] / 2, self._strides[None, None, :, None] * 0.75)
        distance = (self._middles - middle[:, :, None]).abs() / reach
        fits = (size[..., :1] >= self._widths[:, 0]) & (size[..., :1] < self._widths[:, 1])
        allowed = (distance < 1).all(-1) & fits & real[..., None]
        overlap = _iou(boxes[:, None], plates[:, :, None]).clamp(min=0)
        nearness = torch.exp(-(distance.clamp(max=3) ** 2).sum(-1))
        metric = (
            torch.sigmoid(logits)[:, None] ** SCORE_POWER
            * ((overlap + 1e-3) ** OVERLAP_POWER)
            * (0.2 + nearness)
        )
        metric = torch.where(allowed, metric, torch.zeros_like(metric))
        best = metric.topk(min(CELLS_PER_PLATE, metric.shape[-1]), dim=-1)
        chosen = torch.zeros_like(metric).scatter_(-1, best.indices, 1.0)
        metric = metric * chosen
        most = metric.amax(-1, keepdim=True).clamp(min=1e-12)
        best_overlap = (overlap * (metric > 0)).amax(-1, keepdim=True).clamp(min=0.1)
        score = metric / most * best_overlap
        targets, owners = score.max(dim=1)
        return targets, owners

    def _score_loss(self, logits: Tensor, targets: Tensor, ignored: Tensor) -> Tensor:
        x, y = self._middles[:, 0], self._middles[:, 1]
        inside = (
            (x > ignored[..., :1]) & (x < ignored[..., 2:3])
            & (y > ignored[..., 1:2]) & (y < ignored[..., 3:4])
        ).any(1)  # fmt: skip
        others = OTHERS_WEIGHT * torch.sigmoid(logits.detach()) ** 2
        weight = torch.where(targets > 0, targets, others * ~inside)
        loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        total: Tensor = (loss * weight).sum()
        return total

    def _corner_loss(
        self, offsets: Tensor, boxes: Tensor, plates: Tensor, corners: Tensor, share: Tensor
    ) -> Tensor:
        """Smooth L1 of corner offsets (m, 8), in shares of the plate's size, where known."""
        upright = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        size = (boxes[:, 2:] - boxes[:, :2])[:, None]
        truth_size = (plates[:, 2:] - plates[:, :2])[:, None].clamp(min=1)
        given = upright + offsets.reshape(-1, 4, 2) * size
        known = ~torch.isnan(corners).flatten(1).any(1)
        error = (given - torch.nan_to_num(corners)) / truth_size
        each = functional.smooth_l1_loss(
            error, torch.zeros_like(error), beta=0.02, reduction="none"
        ).mean((1, 2))
        total: Tensor = (each * share * known).sum()
        return total


def _iou(a: Tensor, b: Tensor) -> Tensor:
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    return shared / (_area(a) + _area(b) - shared).clamp(min=1e-6)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def _generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    low = torch.minimum(a[..., :2], b[..., :2])
    high = torch.maximum(a[..., 2:], b[..., 2:])
    hull = (high - low).prod(-1).clamp(min=1e-6)
    shared = (
        (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]))
        .clamp(min=0)
        .prod(-1)
    )
    union = (_area(a) + _area(b) - shared).clamp(min=1e-6)
    return shared / union - (hull - union) / hull
