"""A list of the repository's with a rotten block: said, made good, and meanwhile still in use."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.contract.hotlist import (
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    encode_delta,
    encode_manifest,
    sign_manifest,
)
from edge.contract.plates import load_confusables
from edge.health.health import Health
from edge.hotfile.build import build_here
from edge.hotfile.download import UnreachableError
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ImplausibleListError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.install_process import APART_FROM_ENTRIES, InstallProcess
from edge.hotfile.installation import Installation
from edge.hotfile.keys import hotfile_key
from edge.hotfile.layout import HEADER_BYTES
from edge.hotfile.open import HotlistFiles
from edge.hotfile.partial import PartialFile
from edge.hotfile.rekey import rekey
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.hotfile.update import RefusedListError
from edge.hotfile.updater import HotlistUpdater
from tests.edge.hotfile.lists import surely
from tests.edge.hotfile.update_site import AGENCY, NOON, RULE, SPOOL_KEY
from tests.repository.listing import LIST, SIGNER, entries
from tests.whole_lists import delta_between, encode_list

OLD = entries(400)
NEW = [*OLD, *entries(1, first=900)]
SOURCE = HotlistSource.model_validate({"name": LIST, "from": "repository", "change": RULE})


def manifest_of(some: list[HotlistEntry], number: int) -> HotlistManifest:
    data = encode_list(some)
    return sign_manifest(
        agency=AGENCY,
        version=HotlistVersion(
            name=LIST,
            version=number,
            issued_at=NOON,
            entries=len(some),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
        ),
        previous_version=number - 1,
        delta_base=number - 1,
        private_key=SIGNER,
    )


@dataclass
class Shelf:
    """What the repository has: a version of the list, and the delta to it from ``before``."""

    some: list[HotlistEntry]
    number: int = 5
    before: list[HotlistEntry] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    breaks_off: bool = False

    def manifest(self, name: str, known: str | None) -> tuple[bytes, str] | None:
        self.asked.append("manifest")
        tag = str(self.number)
        return None if known == tag else (encode_manifest(manifest_of(self.some, self.number)), tag)

    def delta(self, name: str, version: int, limit_bytes: int) -> bytes | None:
        self.asked.append("delta")
        delta = delta_between(
            self.before, self.some, name=name, from_version=version - 1, to_version=version
        )
        return encode_delta(delta)

    def fetch(self, version: HotlistVersion, partial: PartialFile) -> None:
        self.asked.append("file")
        if self.breaks_off:
            raise UnreachableError("broke off")
        partial.append(encode_list(self.some)[partial.size_bytes :])
        partial.flush()

    def close(self) -> None:
        pass


class Unit:
    """A unit that was just started on this folder."""

    def __init__(self, data: Path, shelf: Shelf, apart_from_entries: int) -> None:
        confusables = load_confusables()
        self.folder = HotlistFolder(data / "hotlists", hotfile_key(SPOOL_KEY), confusables)
        self.installation = Installation(
            root=data / "updates",
            folder=self.folder,
            confusables=confusables,
            key=self.folder.key,
            agency=AGENCY,
            repository_key=SIGNER.public_key(),
            now=lambda: NOON,
        )
        self.health, stop, self._passed_s = Health(), threading.Event(), 0.0
        self._updater = HotlistUpdater(
            [SOURCE],
            self.installation,
            shelf,
            SPOOL_KEY,
            self.health,
            every_s=300.0,
            alarm_after_s=0.0,
            random=lambda: 0.5,
            stop=stop,
            process=InstallProcess(stop, apart_from_entries=apart_from_entries),
            monotonic_s=lambda: self._passed_s,
        )
        self.lists = HotlistFiles([SOURCE], self.folder, MatchRule(), builder=build_here)

    def update(self) -> None:
        """Look for news, a day later."""
        self._passed_s += 86_400.0
        self._updater.look()

    def said(self) -> str | None:
        """What is wrong with the list, as far as a look at it says."""
        error = None
        for outcome in self.lists.poll():
            error = outcome.error
        return error

    def missed(self) -> int:
        """How many of the list's plates match nothing."""
        found = self.lists.current
        return sum(not found.match(one.plate, surely(one.plate), None, NOON) for one in OLD)

    @property
    def version(self) -> int | None:
        facts = self.installation.in_use(LIST)
        return None if facts is None else facts.number


Starts = Callable[..., Unit]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(OLD)


@pytest.fixture
def start(tmp_path: Path, shelf: Shelf) -> Starts:
    """Starts the unit, again or for the first time, with its list if it has one."""

    def started(apart_from_entries: int = APART_FROM_ENTRIES) -> Unit:
        unit = Unit(tmp_path, shelf, apart_from_entries)
        unit.lists.poll()
        return unit

    return started


@pytest.fixture
def rotten(start: Starts, shelf: Shelf) -> Unit:
    """A unit with version 5 of the list in use, of which one block has rotted unseen."""
    unit = start()
    unit.update()
    unit.lists.poll()
    assert unit.missed() == 0
    path = unit.folder.in_use(LIST)
    assert path is not None
    with path.open("r+b") as file:
        file.seek(HEADER_BYTES)
        file.write(bytes(64))
    shelf.asked.clear()
    return unit


@pytest.mark.policy("M-D1")
def test_a_rotten_block_is_mended_by_the_same_version(rotten: Unit, shelf: Shelf) -> None:
    assert 0 < rotten.missed() < len(OLD)
    assert "is damaged" in (rotten.said() or "")
    assert rotten.missed() < len(OLD), "what is whole is still matched"
    rotten.update()
    assert shelf.asked == ["manifest", "file"]
    assert rotten.said() is None
    assert (rotten.version, rotten.missed()) == (5, 0)
    rotten.update()
    assert shelf.asked == ["manifest", "file", "manifest"]


@pytest.mark.policy("M-D1")
def test_a_restart_still_knows_of_the_damage(rotten: Unit, start: Starts, shelf: Shelf) -> None:
    rotten.missed()
    rotten.said()
    # A list that is sealed under another key and back is still the damaged one.
    root, keys = rotten.folder.root, (rotten.folder.key, b"n" * 32)
    assert rekey(root, *keys, load_confusables()) == rekey(root, *keys[::-1], load_confusables())
    unit = start()
    assert "is damaged" in (unit.said() or ""), "though nothing was looked up"
    with pytest.raises(HotfileError, match="is damaged"):
        unit.folder.current(LIST)
    assert unit.missed() > 0
    unit.update()
    assert shelf.asked == ["manifest", "file"]
    assert unit.said() is None
    assert unit.missed() == 0
    assert start().said() is None
    assert {path.name for path in (root / LIST).iterdir()} == {
        "5.hotfile",
        "current",
        "facts.json",
        "lock",
    }


def test_a_list_built_in_place_of_the_damaged_one_is_sound_though_the_unit_crashed_then(
    rotten: Unit, start: Starts
) -> None:
    rotten.missed()
    rotten.said()
    note = rotten.folder.root / LIST / "damaged"
    kept = note.read_bytes()
    rotten.update()
    note.write_bytes(kept)
    assert start().said() is None


def test_a_damaged_list_is_mended_from_a_stick(rotten: Unit) -> None:
    manifest = manifest_of(OLD, 5)
    with pytest.raises(HotfileError, match="version 5 is in use"):
        rotten.installation.put_in_use(manifest, OLD, source="usb", rule=RULE)
    rotten.missed()
    rotten.said()
    assert rotten.installation.is_news(manifest)
    rotten.installation.put_in_use(manifest, OLD, source="usb", rule=RULE)
    assert rotten.said() is None
    assert rotten.missed() == 0
    assert not rotten.installation.is_news(manifest)


@pytest.mark.policy("M-D1")
def test_a_damaged_list_lets_in_nothing_older_and_nothing_implausible(
    rotten: Unit, shelf: Shelf
) -> None:
    rotten.missed()
    rotten.said()
    (rotten.installation.root / LIST / "installed.manifest.json").unlink()
    with pytest.raises(RefusedListError, match="version 4 is older than version 5"):
        rotten.installation.is_news(manifest_of(OLD, 4))
    with pytest.raises(RefusedListError, match="another list than the version 5"):
        rotten.installation.is_news(manifest_of(NEW, 5))
    with pytest.raises(ImplausibleListError):
        rotten.installation.require_plausible(manifest_of(OLD[:9], 6), RULE)
    shelf.number = 4
    rotten.update()
    assert shelf.asked == ["manifest"]
    assert (rotten.version, "is damaged" in (rotten.said() or "")) == (5, True)


@pytest.mark.parametrize("apart_from_entries", [1, APART_FROM_ENTRIES])
def test_a_newer_version_is_fetched_whole_where_the_delta_meets_damage(
    rotten: Unit, start: Starts, shelf: Shelf, apart_from_entries: int
) -> None:
    unit = start(apart_from_entries)
    shelf.some, shelf.number, shelf.before, shelf.breaks_off = NEW, 6, OLD, True
    unit.update()
    assert shelf.asked == ["manifest", "delta", "file"]
    shelf.breaks_off = False
    unit.update()
    assert shelf.asked[3:] == ["manifest", "file"], "the damage was noted"
    assert (unit.version, unit.said(), unit.missed()) == (6, None, 0)
    assert unit.health.report().healthy


def test_no_delta_is_asked_for_to_a_list_known_to_be_damaged(rotten: Unit, shelf: Shelf) -> None:
    rotten.missed()
    rotten.said()
    shelf.some, shelf.number, shelf.before = NEW, 6, OLD
    rotten.update()
    assert shelf.asked == ["manifest", "file"]
    assert (rotten.version, rotten.said(), rotten.missed()) == (6, None, 0)


def test_damage_that_cannot_be_noted_now_is_noted_later(
    rotten: Unit, start: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    rotten.missed()
    with monkeypatch.context() as patch:
        patch.setattr("edge.hotfile.folder.os.fsync", refuse)
        assert "is damaged" in (rotten.said() or "")
    assert start().said() is None
    rotten.said()
    assert "is damaged" in (start().said() or "")


@contextmanager
def failing(code: int) -> Iterator[None]:
    """While this lasts no built list can be read, for that error of the system's."""

    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.hotfile.store._large", refuse)
        yield


@pytest.mark.parametrize("code", [errno.ENOMEM, errno.EMFILE, errno.ENFILE])
def test_a_unit_short_of_memory_or_handles_does_not_fetch_its_sound_list_again(
    start: Starts, shelf: Shelf, code: int
) -> None:
    start().update()
    shelf.asked.clear()
    unit = start()
    with failing(code):
        unit.update()
    assert shelf.asked == []
    (said,) = unit.health.report().troubles.values()
    assert said.endswith(f"cannot be read: {os.strerror(code)}")
    unit.update()
    assert shelf.asked == ["manifest"]
    assert unit.health.report().healthy


def test_a_list_that_the_disk_does_not_give_is_fetched_again(start: Starts, shelf: Shelf) -> None:
    unit = start()
    unit.update()
    shelf.asked.clear()
    with failing(errno.EIO):
        unit.update()
    assert shelf.asked == ["manifest", "file"]
    unit.update()
    unit.lists.poll()
    shelf.asked.clear()
    path = unit.folder.in_use(LIST)
    assert path is not None
    path.unlink()
    unit = start()
    (outcome,) = unit.lists.poll()
    assert "bring it on a USB stick" in (outcome.error or "")
    unit.update()
    assert shelf.asked == ["manifest", "file"]


def test_what_was_forced_is_said_once_there_is_memory_to_know(start: Starts) -> None:
    unit = start()
    unit.update()
    facts = unit.installation.in_use(LIST)
    assert facts is not None
    unit.installation.note_forced(facts, "right all the same")
    after = start()
    with failing(errno.ENOMEM):
        after.update()
    after.update()
    (said,) = after.health.report().troubles.values()
    assert "right all the same" in said


@pytest.mark.policy("M-D1")
def test_a_list_that_does_not_open_bounds_what_the_repository_may_bring(rotten: Unit) -> None:
    path = rotten.folder.in_use(LIST)
    assert path is not None
    path.write_bytes(path.read_bytes()[:HEADER_BYTES])
    with pytest.raises(ImplausibleListError, match="has 9 entries, version 5 before it 400"):
        rotten.installation.require_plausible(manifest_of(OLD[:9], 6), RULE)
    assert rotten.installation.is_news(manifest_of(OLD, 5))
    rotten.installation.require_plausible(manifest_of(OLD, 5), RULE)
