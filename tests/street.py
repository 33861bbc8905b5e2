"""Small street pictures with one drawn plate each, cheap enough to read by the dozen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from demo_drive.plates import STYLES, draw_plate, random_plate


def write_pictures(folder: Path, number: int, seed: int = 1) -> list[str]:
    """Write that many pictures, 480 by 320, with different plates; gives the plates in order."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    plates: list[str] = []
    while len(plates) < number:
        drawn = random_plate(rng, str(rng.choice(list(STYLES))))
        serial = drawn.serial.replace(" ", "")
        if serial in plates:
            continue
        scene = np.full((320, 480, 3), 90, np.uint8)
        cv2.rectangle(scene, (90, 60), (390, 300), (60, 50, 40), -1)
        texture = draw_plate(drawn)[:, :, :3]
        plate = cv2.resize(texture, (150, 75), interpolation=cv2.INTER_AREA)
        scene[180:255, 165:315] = plate
        noise = rng.normal(0, 3, scene.shape)
        noisy = np.clip(scene + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{len(plates):03}.png"), noisy)
        plates.append(serial)
    return plates
