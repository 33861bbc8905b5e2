"""Which manifests are news, which deltas lead there, and when to look again; nothing real."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    MAX_DELTA_BYTES,
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    encode_delta,
    sign_manifest,
)
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import FUTURE_TOLERANCE_S, ListFacts
from edge.hotfile.partial import PIECE_BYTES, PartialFile
from edge.hotfile.update import (
    FIRST_RETRY_S,
    MAX_CHAIN,
    DeltaChain,
    Pace,
    RefusedListError,
    checked_entries,
    checked_file,
    facts_of,
    is_news,
    require_ours,
)
from edge.hotfile.update_settings import UpdateSettings
from tests.repository.listing import entries
from tests.whole_lists import delta_between, encode_list

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ISSUED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def manifest_of(
    some: Sequence[HotlistEntry], number: int = 5, delta_base: int | None = None
) -> HotlistManifest:
    data = encode_list(some)
    return sign_manifest(
        agency="salem-pd",
        version=HotlistVersion(
            name="stolen",
            version=number,
            issued_at=ISSUED,
            entries=len(some),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
        ),
        previous_version=None if number == 1 else number - 1,
        delta_base=delta_base,
        private_key=KEY,
    )


def facts(number: int, some: Sequence[HotlistEntry] = ()) -> ListFacts:
    return facts_of(manifest_of(some, number), "repository")


def test_a_manifest_for_somebody_else_is_refused() -> None:
    manifest = manifest_of([])
    require_ours(manifest, agency="salem-pd", name="stolen", now=ISSUED)
    with pytest.raises(RefusedListError, match="for agency salem-pd, this unit is of boston-pd"):
        require_ours(manifest, agency="boston-pd", name="stolen", now=ISSUED)
    with pytest.raises(RefusedListError, match="is of list stolen"):
        require_ours(manifest, agency="salem-pd", name="wanted", now=ISSUED)


@pytest.mark.policy("M-D1")
def test_a_list_from_the_future_is_refused_since_it_would_look_fresh() -> None:
    manifest = manifest_of([])
    just = ISSUED - timedelta(seconds=FUTURE_TOLERANCE_S)
    require_ours(manifest, agency="salem-pd", name="stolen", now=just)
    with pytest.raises(RefusedListError, match="ahead of this unit's clock; set the clock"):
        require_ours(
            manifest, agency="salem-pd", name="stolen", now=just - timedelta(milliseconds=1)
        )


def test_only_a_newer_version_is_news() -> None:
    manifest = manifest_of([], 5)
    assert is_news(manifest, None, None)
    assert is_news(manifest, facts(4), None)
    assert is_news(manifest, replace_number(facts(4), None), None), "a list built from a file"
    assert not is_news(manifest, facts(5), manifest)
    with pytest.raises(RefusedListError, match="version 5 is older than version 6"):
        is_news(manifest, facts(6), None)


@pytest.mark.policy("M-D1")
def test_what_was_once_in_use_bars_the_way_back() -> None:
    manifest, once = manifest_of([], 5), manifest_of([], 6)
    with pytest.raises(RefusedListError, match="older than version 6"):
        is_news(manifest, None, once)
    assert is_news(once, None, once), "the same list, where its file is damaged"


def test_another_list_under_the_same_number_is_refused() -> None:
    other = manifest_of(entries(1), 5)
    for in_use, once in ((facts(5), None), (None, manifest_of([], 5))):
        with pytest.raises(RefusedListError, match="another list than the version 5"):
            is_news(other, in_use, once)


def replace_number(some: ListFacts, number: int | None) -> ListFacts:
    return msgspec.structs.replace(some, number=number)


def generations() -> list[list[HotlistEntry]]:
    """The list in versions 1 to 6: each loses an entry and gains one."""
    return [entries(40, first=number) for number in range(6)]


def chain_to(last: int, in_use: int | None, base: int | None) -> tuple[DeltaChain, HotlistManifest]:
    manifest = manifest_of(generations()[last - 1], last, base)
    return DeltaChain(manifest, None if in_use is None else facts(in_use)), manifest


def step(chain: DeltaChain, to: int, base: int) -> None:
    lists = generations()
    delta = delta_between(
        lists[base - 1], lists[to - 1], name="stolen", from_version=base, to_version=to
    )
    chain.add(delta, len(encode_delta(delta)))


def test_deltas_are_asked_for_backwards_until_they_reach_what_is_in_use() -> None:
    chain, manifest = chain_to(5, in_use=2, base=4)
    for to in (5, 4, 3):
        assert chain.wanted == to
        assert not chain.complete
        step(chain, to, to - 1)
    assert chain.wanted is None
    assert chain.complete
    merged = checked_entries(chain.merge(generations()[1]), manifest)
    assert list(merged) == generations()[4]


@pytest.mark.parametrize(("in_use", "base"), [(None, 4), (2, None), (4, 3)])
def test_without_a_way_no_delta_is_asked_for(in_use: int | None, base: int | None) -> None:
    chain, _ = chain_to(5, in_use, base)
    assert chain.wanted is None
    assert not chain.complete


def test_a_delta_past_what_is_in_use_or_of_another_version_ends_the_asking() -> None:
    chain, _ = chain_to(5, in_use=3, base=4)
    step(chain, 5, 2)
    assert (chain.wanted, chain.complete) == (None, False)
    chain, _ = chain_to(5, in_use=3, base=4)
    step(chain, 4, 3)
    assert (chain.wanted, chain.complete) == (None, False)


def test_deltas_are_not_fetched_without_end() -> None:
    manifest = manifest_of(entries(40), 100, 99)
    chain = DeltaChain(manifest, facts(1))
    asked = 0
    while (wanted := chain.wanted) is not None:
        delta = delta_between([], [], name="stolen", from_version=wanted - 1, to_version=wanted)
        chain.add(delta, 1)
        asked += 1
    assert asked == MAX_CHAIN
    assert not chain.complete
    assert chain.left_bytes == manifest.list.size_bytes // 2 - MAX_CHAIN
    huge = msgspec.structs.replace(
        manifest, list=msgspec.structs.replace(manifest.list, size_bytes=10 * MAX_DELTA_BYTES)
    )
    assert DeltaChain(huge, facts(1)).left_bytes == MAX_DELTA_BYTES


@pytest.mark.policy("M-C7")
def test_entries_that_are_not_the_manifests_end_in_an_error() -> None:
    some = entries(5)
    manifest = manifest_of(some)
    data = encode_list(some)
    assert list(checked_entries(iter(some), manifest)) == some
    assert list(checked_file([data[:100], data[100:]], manifest)) == some
    wrong = [some[:-1], [*some, *entries(1, first=9)], [*entries(1, note="x"), *some[1:]]]
    for each in wrong:
        with pytest.raises(ContractError):
            list(checked_entries(iter(each), manifest))
        with pytest.raises(ContractError):
            list(checked_file([encode_list(each)], manifest))
    with pytest.raises(ContractError):
        list(checked_file([data[:-3]], manifest))


def test_after_failures_it_waits_longer_up_to_the_interval() -> None:
    pace = Pace(300.0, lambda: 1.0)
    waits = [pace.after_failure() for _ in range(9)]
    assert waits[:4] == [FIRST_RETRY_S, 10.0, 20.0, 40.0]
    assert waits[-1] == 300.0
    assert pace.after_success() == pytest.approx(330.0)
    assert pace.after_failure() == FIRST_RETRY_S
    assert Pace(300.0, lambda: 0.0).after_success() == pytest.approx(270.0)
    assert Pace(300.0, lambda: 0.0).after_failure() == FIRST_RETRY_S / 2


SHA256 = "ab" * 32
SECRET = b"PLATE 1ABC23 "


def partial(path: Path, *, sha256: str = SHA256, key: bytes = b"s" * 32) -> PartialFile:
    return PartialFile(path, sha256=sha256, spool_key=key)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2 * PIECE_BYTES), max_size=4), st.data())
def test_what_came_is_kept_up_to_where_the_file_was_torn(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("partial") / "list.partial"
    pieces = [Random(size).randbytes(size) for size in sizes]
    whole = b"".join(pieces)
    with partial(path) as file:
        for piece in pieces:
            file.append(piece)
        file.flush()
        assert file.size_bytes == len(whole)
    with path.open("r+b") as torn:
        torn.truncate(data.draw(st.integers(0, path.stat().st_size)))
    with partial(path) as file:
        kept = file.size_bytes
        file.append(whole[kept:])
        assert b"".join(file.pieces()) == whole
    with partial(path) as file:
        assert file.size_bytes == len(whole)


def test_a_crash_before_the_flush_loses_less_than_a_piece(tmp_path: Path) -> None:
    path = tmp_path / "list.partial"
    file = partial(path)
    file.append(b"x" * (3 * PIECE_BYTES + 5))
    crashed = tmp_path / "crashed.partial"
    file.__exit__(None, None, None)  # closes as a crash would: nothing gathered is written
    crashed.write_bytes(path.read_bytes())
    with partial(crashed) as again:
        assert again.size_bytes == 3 * PIECE_BYTES


@pytest.mark.policy("M-C7")
def test_a_stolen_disk_gives_no_plate_of_what_is_on_its_way(tmp_path: Path) -> None:
    path = tmp_path / "list.partial"
    with partial(path) as file:
        for _ in range(PIECE_BYTES // len(SECRET) + 1):
            file.append(SECRET)
        file.flush()
        assert file.size_bytes > PIECE_BYTES
    assert b"1ABC23" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    for wrong in ({"key": b"t" * 32}, {"sha256": "cd" * 32}):
        path.write_bytes(content)
        with partial(path, **wrong) as file:
            assert file.size_bytes == 0


def test_records_moved_or_altered_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "list.partial"
    with partial(path) as file:
        file.append(b"a" * PIECE_BYTES)
        file.append(b"b" * PIECE_BYTES)
        file.flush()
    content = path.read_bytes()
    length = 4 + int.from_bytes(content[:4], "little")
    assert list(_sizes(tmp_path, content[length:] + content[:length])) == [0]
    flipped = bytearray(content)
    flipped[length + 40] ^= 1
    assert list(_sizes(tmp_path, bytes(flipped))) == [PIECE_BYTES]


def _sizes(folder: Path, content: bytes) -> Iterator[int]:
    path = folder / "altered.partial"
    path.write_bytes(content)
    with partial(path) as file:
        yield file.size_bytes


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HotfileError, match="make room on the disk"):
        partial(tmp_path / "file" / "list.partial")


@contextmanager
def full_disk() -> Iterator[None]:
    """No file takes a byte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def nothing(_: PartialFile) -> None:
    pass


def break_off(_: PartialFile) -> None:
    raise HotfileError("it broke off")


@pytest.mark.parametrize(
    ("then", "said"),
    [(nothing, "make room"), (PartialFile.flush, "make room"), (break_off, "it broke off")],
)
def test_a_disk_that_is_full_is_said_wherever_that_shows(
    tmp_path: Path, then: Callable[[PartialFile], None], said: str
) -> None:
    path = tmp_path / "list.partial"

    def fetch() -> None:
        with partial(path) as file:
            file.append(b"x" * PIECE_BYTES)  # so well compressed that it waits in a buffer
            then(file)

    with full_disk(), pytest.raises(HotfileError, match=said):
        fetch()
    with partial(path) as file:
        assert file.size_bytes == 0


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://alpr.example.gov", "reached by https:// alone"),
        ("alpr.example.gov", "write https://HOST"),
        ("ftp://alpr.example.gov", "write https://HOST"),
        ("https://", "write https://HOST"),
        ("https://jdoe:secret@alpr.example.gov", "more than a host"),
        ("https://alpr.example.gov/?a=1", "more than a host"),
    ],
)
def test_lists_are_fetched_over_https_alone(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UpdateSettings(url=url)


def test_an_address_may_have_a_port_and_a_path_and_loopback_may_be_plain() -> None:
    assert UpdateSettings(url="https://alpr.example.gov:8443/alpr/").url.endswith("8443/alpr")
    assert UpdateSettings(url="http://127.0.0.1:8080").url == "http://127.0.0.1:8080"
