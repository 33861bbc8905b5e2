"""Building a long list of a department's file in a process of its own.

Ten million lines keep a processor busy for minutes and take half a gigabyte.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from edge.contract.hotlist_table import Rejection
from edge.contract.plates import Confusables
from edge.hotfile.build import CsvBuild, build_here
from edge.hotfile.errors import BusyListError, HotfileError
from edge.hotfile.facts import Implausible, ImplausibleListError, ListFacts
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.process_apart import ProcessApart, answer
from edge.hotfile.settings import HotlistSource

APART_FROM_BYTES = 4 * 1024 * 1024
"""A shorter file is built in a second or two, where it is wanted."""


class _Order(msgspec.Struct):
    source: str
    root: str
    key: bytes
    groups: tuple[str, ...]
    in_use: ListFacts | None
    allow: tuple[Implausible, ...]


class _Answer(msgspec.Struct):
    error: str | None = None
    busy: bool = False
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
        self._process = ProcessApart("edge.hotfile.build_process", stop, beat)
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
            HotfileError: as :func:`edge.hotfile.build.build_here`, or if the build was stopped.
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
        said = _answers.decode(self._process.ask(source.name, msgspec.json.encode(order)))
        if said.why is not None:
            raise ImplausibleListError(said.why, said.error or "")
        if said.busy:
            raise BusyListError(said.error or "")
        if said.error is not None or said.facts is None:
            raise HotfileError(said.error or "")
        return CsvBuild(said.facts, Path(said.file), said.rejected, said.rejections)


def _carry_out(data: bytes) -> bytes:
    return msgspec.json.encode(_built(_orders.decode(data)))


def _built(order: _Order) -> _Answer:
    folder = HotlistFolder(Path(order.root), order.key, Confusables.of(order.groups))
    source = HotlistSource.model_validate_json(order.source)
    try:
        build = build_here(source, folder, order.in_use, order.allow)
    except ImplausibleListError as error:
        return _Answer(str(error), why=error.why)
    except HotfileError as error:
        return _Answer(str(error), busy=isinstance(error, BusyListError))
    return _Answer(
        facts=build.facts,
        file=str(build.file),
        rejected=build.rejected,
        rejections=build.rejections,
    )


_orders = msgspec.json.Decoder(_Order)
_answers = msgspec.json.Decoder(_Answer)

if __name__ == "__main__":
    answer(_carry_out)
