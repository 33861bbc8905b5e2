"""The keys in their files against what the database was worked with under."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from repository.errors import RepositoryError
from repository.store.checks.result import CheckResult


def check_keys(looks: Mapping[str, Callable[[], object]]) -> Iterator[CheckResult]:
    """Whether each key is there and fits; ``looks`` refuse one that does not, by its check."""
    for check, look in looks.items():
        try:
            look()
        except RepositoryError as error:
            yield CheckResult(check, str(error), "bring the keys back from your backup")
