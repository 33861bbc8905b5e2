"""Lists on a USB stick, as ``alpr-repository hotlists export`` writes them: found, read, proven.

A folder holds ``NAME.manifest.json`` and ``NAME.jsonl`` for each list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.contract.hotlist import MAX_MANIFEST_BYTES, HotlistManifest
from edge.hotfile.errors import HotfileError
from edge.hotfile.update import RefusedListError

MANIFEST_ENDING = ".manifest.json"
LIST_ENDING = ".jsonl"

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CarriedList:
    """A list in a folder: its name, its manifest as yet unproven, and where its file is."""

    name: str
    manifest: bytes
    file: Path

    def pieces(self, manifest: HotlistManifest) -> Iterator[bytes]:
        """The list's file in pieces; the caller proves them against the manifest.

        Raises:
            RefusedListError: if its length shows that it was cut off, or belongs to another.
            HotfileError: as they are taken, if it cannot be read.
        """
        try:
            with self.file.open("rb") as file:
                size_bytes = file.seek(0, 2)
                if size_bytes != manifest.list.size_bytes:
                    raise RefusedListError(
                        f"hot list {self.name}: {self.file} has {size_bytes} bytes in place of "
                        f"{manifest.list.size_bytes}: it was cut off, or is another version's; "
                        "export the list again"
                    )
                file.seek(0)
                while piece := file.read(_PIECE_BYTES):
                    yield piece
        except OSError as error:
            raise HotfileError(
                f"hot list {self.name}: {self.file} cannot be read: {error.strerror}"
            ) from error


def carried_lists(folder: Path) -> tuple[CarriedList, ...]:
    """The lists in the folder, by name.

    Raises:
        HotfileError: if it cannot be read or holds none.
    """
    found: list[CarriedList] = []
    try:
        for path in sorted(folder.iterdir()):
            if not path.name.endswith(MANIFEST_ENDING) or path.name.startswith("."):
                continue
            name = path.name.removesuffix(MANIFEST_ENDING)
            with path.open("rb") as file:
                manifest = file.read(MAX_MANIFEST_BYTES + 1)
            found.append(CarriedList(name, manifest, folder / f"{name}{LIST_ENDING}"))
    except OSError as error:
        raise HotfileError(f"{folder}: cannot be read: {error.strerror}") from error
    if not found:
        raise HotfileError(
            f"{folder}: holds no NAME{MANIFEST_ENDING}; name the folder that "
            "'alpr-repository hotlists export' wrote to"
        )
    return tuple(found)
