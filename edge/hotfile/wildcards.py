"""Finding the plates with wildcards that a plate read may be: '?' one character, '*' any number.

For each place from the left, and each from the right, and each character, a whole number has a
bit for every pattern that allows it there. The patterns that fit are those whose bit is in all of
the numbers of the plate read: some twenty ANDs, however many patterns there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.contract.hotlist_table import MAX_PLATE


class WildcardIndex:
    """Patterns by the plates that they fit; immutable once built."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Take folded patterns, each with one '*' at most."""
        every = (1 << len(patterns)) - 1
        self._count = len(patterns)
        self._lengths = _Bits(self._count, MAX_PLATE + 1)
        left = [_Places(self._count) for _ in range(MAX_PLATE)]
        right = [_Places(self._count) for _ in range(MAX_PLATE)]
        for number, pattern in enumerate(patterns):
            head, star, tail = pattern.partition("*")
            named = len(head) + len(tail)
            for length in range(named, MAX_PLATE + 1 if star else named + 1):
                self._lengths.set(length, number)
            for places, text in ((left, head), (right, tail[::-1])):
                for place, char in zip(places, text, strict=False):
                    if char != "?":
                        place.require(number, char)
        self._by_length = self._lengths.numbers()
        self._left = [place.numbers(every) for place in left]
        self._right = [place.numbers(every) for place in right]

    def __len__(self) -> int:
        return self._count

    def find(self, choices: Sequence[str]) -> list[int]:
        """Numbers of the patterns that fit a plate, ascending.

        Args:
            choices: for each place of the plate the folded characters that it may be.
        """
        if not self._count or not 0 < len(choices) <= MAX_PLATE:
            return []
        fitting = self._by_length[len(choices)]
        for place, chars in enumerate(choices):
            for allowed in (self._left[place], self._right[len(choices) - 1 - place]):
                others, by_char = allowed
                if by_char:
                    some = 0
                    for char in chars:
                        some |= by_char.get(char, others)
                    fitting &= some
            if not fitting:
                return []
        found = []
        while fitting:
            lowest = fitting & -fitting
            found.append(lowest.bit_length() - 1)
            fitting ^= lowest
        return found


class _Bits:
    """Rows of bits that are set one by one and read as whole numbers."""

    def __init__(self, width: int, rows: int) -> None:
        self._rows = [bytearray((width + 7) // 8) for _ in range(rows)]

    def set(self, row: int, bit: int) -> None:
        self._rows[row][bit >> 3] |= 1 << (bit & 7)

    def numbers(self) -> list[int]:
        return [int.from_bytes(row, "little") for row in self._rows]


class _Places:
    """Which patterns require which character at one place."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._by_char: dict[str, _Bits] = {}

    def require(self, number: int, char: str) -> None:
        self._by_char.setdefault(char, _Bits(self._width, 1)).set(0, number)

    def numbers(self, every: int) -> tuple[int, dict[str, int]]:
        """The patterns that require nothing here, and those that allow each named character."""
        named = {char: bits.numbers()[0] for char, bits in self._by_char.items()}
        others = every
        for number in named.values():
            others &= ~number
        return others, {char: number | others for char, number in named.items()}
