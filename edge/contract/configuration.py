"""Where the tables that ship with the product lie: the folder ``config``."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.contract.errors import ContractError

_CHECKOUT = Path(__file__).parents[2] / "config"
_INSTALLED = Path(sys.prefix) / "share" / "plateward" / "config"


def config_file(name: str) -> Path:
    """The shipped file of that name: the checkout's, or else the installed one.

    Raises:
        ContractError: if neither folder has it.
    """
    for folder in (_CHECKOUT, _INSTALLED):
        path = folder / name
        if path.is_file():
            return path
    raise ContractError(
        f"{name}: neither {_CHECKOUT} nor {_INSTALLED} has it; install the product again"
    )
