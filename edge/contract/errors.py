"""The one error of the contract."""

from edge.contract.printable import on_one_line, shortened

MAX_ERROR_CHARACTERS = 200


class ContractError(ValueError):
    """Bytes or values that the contract refuses; the text names the field and what is wrong.

    Whatever it repeats of what was received prints on one line, and the whole of it is short.
    """

    def __init__(self, text: str) -> None:
        super().__init__(shortened(on_one_line(text), MAX_ERROR_CHARACTERS))
