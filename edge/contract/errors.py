"""The one error of the contract."""


class ContractError(ValueError):
    """Bytes or values that the contract refuses; the text names the field and what is wrong."""
