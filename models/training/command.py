"""What the commands that train a network have in common: options, the report, errors as a line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.vision.errors import VisionError

from .run import DEVICES, say


def parser_of(
    name: str, about: str | None, example: str, minutes: float, cache: str
) -> argparse.ArgumentParser:
    """The options of `scripts/train NAME`; `cache` is the folder in --out for what is drawn."""
    parser = argparse.ArgumentParser(
        prog=f"scripts/train {name}",
        description=about,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="training sets")
    add("--out", type=Path, required=True, metavar="DIR", help="results")
    add("--minutes", type=float, default=minutes, metavar="N", help=f"default {minutes:g}")
    add("--seed", type=int, default=1, metavar="N", help="of the training; default 1")
    add("--device", choices=DEVICES, default="auto", help="default: a graphics card, if any")
    add("--cache", type=Path, metavar="DIR", help=f"what is made once; default OUT/{cache}")
    return parser


def report_of(
    args: argparse.Namespace, trained: Callable[[argparse.Namespace], dict[str, Any]]
) -> int:
    """Train, and write the report to OUT/report.json and stdout; the command's exit status."""
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        report = json.dumps(trained(args), indent=1) + "\n"
        (args.out / "report.json").write_text(report, encoding="utf-8")
    except (OSError, ValueError, VisionError) as error:
        say(f"train: {error}")
        return 1
    sys.stdout.write(report)
    return 0
