"""The root of every error that the edge raises on purpose."""

from edge.contract.printable import on_one_line, printable


class EdgeError(Exception):
    """Something the daemon cannot do, said in a sentence for the person who can mend it.

    Whatever names of files and others' errors are in it, it prints: on one line, or on those that
    it was given in if ``lines`` says so.
    """

    def __init__(self, sentence: str, *, lines: bool = False) -> None:
        super().__init__(printable(sentence) if lines else on_one_line(sentence))
