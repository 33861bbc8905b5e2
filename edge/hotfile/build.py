"""Building the file of a hot list, from entries or from a department's CSV file.

A CSV file that is cut off, is not CSV or is mostly rejected is refused whole, so that what was in
use before it stays in use.
"""

from __future__ import annotations

import io
import os
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from edge.contract.hotlist import HotlistEntry
from edge.contract.hotlist_columns import UnusableFileError
from edge.contract.hotlist_table import Rejection, entries_of
from edge.contract.plates import Confusables
from edge.hotfile.department_file import changed, digest_of_whole, opened, recipe_of
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import Implausible, LeftOut, ListFacts, require_plausible
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.settings import HotlistSource
from edge.hotfile.write import HotfileWriter

PROGRESS_EVERY = 10_000
MAX_REJECTED_SHARE = 0.5
"""A file of which more than this is rejected is the wrong file, or was read by wrong columns."""

MAX_REJECTIONS_KEPT = 1000
MAX_REJECTIONS_SHOWN = 20

_MAX_REASON_KEPT = 200


@dataclass(frozen=True, slots=True)
class CsvBuild:
    """A list that was built, and the lines of its file that were not taken into it.

    ``rejections`` holds the first of them; ``rejected`` is how many there are.
    """

    facts: ListFacts
    file: Path
    rejected: int
    rejections: tuple[Rejection, ...]


def shown_rejections(rejections: Sequence[Rejection]) -> list[str]:
    """The first of them by line and reason; nothing that stood in a line."""
    return [f"line {one.line}: {one.reason}" for one in rejections[:MAX_REJECTIONS_SHOWN]]


def build_hotfile(
    entries: Iterable[HotlistEntry],
    *,
    facts: ListFacts,
    confusables: Confusables,
    key: bytes,
    target: Path,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Build the file of a list whose entries are known to be its own, such as a signed one's.

    ``key`` is what :func:`edge.hotfile.keys.hotfile_key` derives; ``progress`` is told now and
    then how many entries are done.

    Raises:
        HotfileError: if an id is there twice, their number is not that of the facts, or the disk
            refuses; then the target is as it was.
    """
    with HotfileWriter(target, confusables=confusables, key=key) as writer:
        for number, entry in enumerate(entries, start=1):
            writer.add(entry)
            if progress is not None and number % PROGRESS_EVERY == 0:
                progress(number)
        writer.finish(facts, _require_as_announced)


def _require_as_announced(
    announced: ListFacts, built: ListFacts, twins: tuple[int, ...]
) -> ListFacts:
    whose = f"hot list {built.name}: version {built.version}"
    if twins:
        raise HotfileError(f"{whose} has an id twice; issue it again")
    if built.entries != announced.entries:
        raise HotfileError(
            f"{whose} has {built.entries} entries in place of {announced.entries}; fetch it again"
        )
    return built


def build_here(
    source: HotlistSource,
    folder: HotlistFolder,
    in_use: ListFacts | None,
    allow: Collection[Implausible],
) -> CsvBuild:
    """Put the list of a department's file in use, in this thread, as the only process that does.

    Raises:
        BusyListError: if another process changes the list now.
        HotfileError: as :func:`build_csv`, or if the disk refuses; what was in use stays.
    """
    with folder.turn(source.name):
        build = build_in_turn(source, folder, in_use, allow)
        folder.install(source.name, build.file)
    return build


def build_in_turn(
    source: HotlistSource,
    folder: HotlistFolder,
    in_use: ListFacts | None,
    allow: Collection[Implausible],
    progress: Callable[[int], None] | None = None,
) -> CsvBuild:
    """Build the list in its place in the folder, whose turn is held; see build_csv."""
    return build_csv(
        source,
        confusables=folder.confusables,
        key=folder.key,
        target_for=lambda version: folder.path_for(source.name, version),
        in_use=in_use,
        allow=allow,
        progress=progress,
    )


def build_csv(
    source: HotlistSource,
    *,
    confusables: Confusables,
    key: bytes,
    target_for: Callable[[str], Path],
    in_use: ListFacts | None = None,
    allow: Collection[Implausible] = (),
    progress: Callable[[int], None] | None = None,
) -> CsvBuild:
    """Build the list in a department's CSV file; ``target_for`` says where a version is built.

    Raises:
        HotfileError: if the file is no regular one or too long, cannot be read, is cut off, is not
            CSV in UTF-8, lacks a column, is mostly rejected, or may not take the place of the list
            ``in_use``; the text names the file and says what to do.
    """
    path = source.csv_path
    try:
        with opened(path) as file:
            status = os.fstat(file.fileno())
            sha256 = digest_of_whole(file, status.st_size, source.max_bytes)
            build = _Build(source, progress)
            target = target_for(sha256[:12])
            with HotfileWriter(target, confusables=confusables, key=key) as writer:
                build.read(file, writer)
                if changed(status, os.fstat(file.fileno())):
                    raise UnusableFileError(
                        "is being written; it will be tried again when it has changed"
                    )
                facts = ListFacts(
                    name=source.name,
                    version=sha256[:12],
                    number=None,
                    sha256=sha256,
                    issued_at=build.issued_at(datetime.fromtimestamp(status.st_mtime, UTC)),
                    source="file",
                    entries=writer.added,
                    recipe=recipe_of(source, status),
                )

                def accept(_: ListFacts, built: ListFacts, twins: tuple[int, ...]) -> ListFacts:
                    build.reject_twins(twins)
                    build.require_mostly_taken()
                    require_plausible(built, in_use, source.change, allow)
                    return msgspec.structs.replace(built, left_out=build.left_out)

                facts = writer.finish(facts, accept)
    except FileNotFoundError as error:
        raise HotfileError(
            f"hot list {source.name}: {path} is not there; put the department's file there"
        ) from error
    except OSError as error:
        raise HotfileError(
            f"hot list {source.name}: {path} cannot be read: {error.strerror}"
        ) from error
    except UnusableFileError as error:
        raise HotfileError(f"hot list {source.name}: {path}: {error}") from error
    return CsvBuild(facts, target, build.rejected, tuple(build.rejections))


class _Build:
    """One file on its way into a list."""

    def __init__(self, source: HotlistSource, progress: Callable[[int], None] | None) -> None:
        self._source = source
        self._progress = progress
        self._lines = array("Q")
        self._newest: datetime | None = None
        self._seen = 0
        self.rejected = 0
        self.rejections: list[Rejection] = []

    def read(self, file: BinaryIO, writer: HotfileWriter) -> None:
        """Take every entry of the file into the list."""
        file.seek(0)
        text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        try:
            for line, found in entries_of(text, self._source.columns.table()):
                self._seen += 1
                if isinstance(found, Rejection):
                    self._reject(found)
                else:
                    writer.add(found)
                    self._note(line, found)
        finally:
            text.detach()

    def issued_at(self, written_at: datetime) -> datetime:
        """When the list was issued, by the rule of the settings.

        Raises:
            UnusableFileError: if it is to be dated by its newest entry and none has a date.
        """
        if self._source.dated_by == "file":
            return written_at
        if self._newest is None:
            raise UnusableFileError(
                "no entry says when it was entered, so the list has no date; set dated_by = 'file'"
            )
        return min(self._newest, written_at)

    @property
    def left_out(self) -> LeftOut | msgspec.UnsetType:
        """What the list's facts say of the lines that were rejected."""
        if not self.rejections:
            return msgspec.UNSET
        (first,) = shown_rejections(self.rejections[:1])
        return LeftOut(self.rejected, first[:_MAX_REASON_KEPT])

    def reject_twins(self, twins: tuple[int, ...]) -> None:
        """Reject the lines of these entries, from 0, whose ids earlier lines have."""
        reason = f"{self._source.columns.entry}: an earlier line has the same id"
        for twin in twins:
            self._reject(Rejection(self._lines[twin], reason))
        self.rejections.sort(key=lambda one: one.line)

    def require_mostly_taken(self) -> None:
        """Refuse a file that is mostly rejected.

        Raises:
            UnusableFileError: if it is.
        """
        lines = self._seen
        if self.rejected > lines * MAX_REJECTED_SHARE:
            shown = shown_rejections(self.rejections)
            first = f"the first {len(shown)}: " if self.rejected > len(shown) else ""
            raise UnusableFileError(
                f"{self.rejected} of {lines} lines make no entry; check the file and its columns"
                f" ({first}{'; '.join(shown)})"
            )

    def _reject(self, rejection: Rejection) -> None:
        self.rejected += 1
        if len(self.rejections) < MAX_REJECTIONS_KEPT:
            self.rejections.append(rejection)

    def _note(self, line: int, entry: HotlistEntry) -> None:
        self._lines.append(line)
        if entry.entered is not None and (self._newest is None or entry.entered > self._newest):
            self._newest = entry.entered
        if self._progress is not None and len(self._lines) % PROGRESS_EVERY == 0:
            self._progress(len(self._lines))
