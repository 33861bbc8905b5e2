"""What stands in files, keys and settings, against the database it was worked with under."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from repository.errors import RepositoryError
from repository.store.checks.result import CheckResult


def check_keys(looks: Mapping[str, Callable[[], object]]) -> Iterator[CheckResult]:
    """Whether each key is there and fits; ``looks`` refuse one that does not, by its check."""
    for check, look in looks.items():
        yield from check_file(check, look, "bring the keys back from your backup")


def check_file(check: str, look: Callable[[], object], remedy: str) -> Iterator[CheckResult]:
    """Whether what stands in a file fits; ``look`` refuses what does not."""
    try:
        look()
    except RepositoryError as error:
        yield CheckResult(check, str(error), remedy)
