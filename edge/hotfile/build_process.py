"""Building a long list in a process of its own, so that the daemon reads plates meanwhile.

Ten million lines keep a processor busy for minutes and take half a gigabyte. In a process apart
they do not hold up the daemon's threads, run only when nothing else wants the processor, and give
their memory back. The key goes through a pipe, never through the command line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from edge.contract.plates import Confusables
from edge.hotfile.build import CsvBuild, build_here
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import Implausible, ImplausibleListError, ListFacts
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.lines import Rejection
from edge.hotfile.settings import HotlistSource

APART_FROM_BYTES = 4 * 1024 * 1024
"""A shorter file is built in a second or two, where it is wanted."""

LOOK_EVERY_S = 1.0
_NICENESS = 15


class _Order(msgspec.Struct):
    source: str
    root: str
    key: bytes
    groups: tuple[str, ...]
    in_use: ListFacts | None
    allow: tuple[Implausible, ...]


class _Answer(msgspec.Struct):
    error: str | None = None
    why: Implausible | None = None
    facts: ListFacts | None = None
    file: str = ""
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()


class BuildProcess:
    """Builds lists of departments' files, long ones in a process apart."""

    def __init__(
        self,
        stop: threading.Event,
        beat: Callable[[], None] = lambda: None,
        apart_from_bytes: int = APART_FROM_BYTES,
    ) -> None:
        """``stop`` ends a build that runs; ``beat`` is called while one does."""
        self._stop = stop
        self._beat = beat
        self._apart_from_bytes = apart_from_bytes

    def __call__(
        self,
        source: HotlistSource,
        folder: HotlistFolder,
        in_use: ListFacts | None,
        allow: Collection[Implausible],
    ) -> CsvBuild:
        """See :class:`edge.hotfile.open.Builder`.

        Raises:
            HotfileError: as :func:`edge.hotfile.build.build_csv`, or if the build was stopped.
        """
        try:
            is_long = source.csv_path.stat().st_size >= self._apart_from_bytes
        except OSError:
            is_long = False
        if not is_long:
            return build_here(source, folder, in_use, allow)
        order = _Order(
            source.model_dump_json(by_alias=True, exclude_unset=True),
            str(folder.root),
            folder.key,
            folder.confusables.groups,
            in_use,
            tuple(allow),
        )
        answer = self._ask(source.name, msgspec.json.encode(order))
        if answer.why is not None:
            raise ImplausibleListError(answer.why, answer.error or "")
        if answer.error is not None or answer.facts is None:
            raise HotfileError(answer.error or "")
        return CsvBuild(answer.facts, Path(answer.file), answer.rejected, answer.rejections)

    def _ask(self, name: str, order: bytes) -> _Answer:
        command = [sys.executable, "-P", "-m", "edge.hotfile.build_process"]
        with subprocess.Popen(  # noqa: S603 - this program itself
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            said: bytes | None = None
            given: bytes | None = order
            while said is None:
                try:
                    said, _ = process.communicate(given, timeout=LOOK_EVERY_S)
                except subprocess.TimeoutExpired:
                    given = None
                    self._beat()
                    if self._stop.is_set():
                        process.kill()
                        raise HotfileError(
                            f"hot list {name}: the unit stopped before it was built"
                        ) from None
        try:
            return _answers.decode(said)
        except msgspec.DecodeError as error:
            raise HotfileError(
                f"hot list {name}: the process that builds it ended with status"
                f" {process.returncode}; it is tried again when the file changes"
            ) from error


def main() -> None:
    """Carry out the order on the standard input, and answer on the standard output."""
    os.nice(_NICENESS)
    order = _orders.decode(sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.json.encode(_carry_out(order)))


def _carry_out(order: _Order) -> _Answer:
    folder = HotlistFolder(Path(order.root), order.key, Confusables.of(order.groups))
    source = HotlistSource.model_validate_json(order.source)
    try:
        build = build_here(source, folder, order.in_use, order.allow)
    except ImplausibleListError as error:
        return _Answer(str(error), error.why)
    except HotfileError as error:
        return _Answer(str(error))
    return _Answer(
        facts=build.facts,
        file=str(build.file),
        rejected=build.rejected,
        rejections=build.rejections,
    )


_orders = msgspec.json.Decoder(_Order)
_answers = msgspec.json.Decoder(_Answer)

if __name__ == "__main__":
    main()
