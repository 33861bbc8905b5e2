"""Hot lists on the wire: files, manifests and deltas."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import hotlist
from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    HotlistDelta,
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    decode_delta,
    encode_delta,
    encode_manifest,
    sign_manifest,
    verify_manifest,
)
from edge.contract.plates import STATES
from edge.contract.records import HotlistKind
from tests.whole_lists import apply_delta, decode_list, delta_between, encode_list, verify_list

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
ISSUED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def entry(**changes: Any) -> HotlistEntry:
    fields: dict[str, Any] = {
        "entry": "e1",
        "plate": "1ABC23",
        "state": "MA",
        "kind": "stolen_vehicle",
        "priority": 2,
        "entered": ISSUED,
        "expires": None,
        "note": "",
    }
    return HotlistEntry(**(fields | changes))


def version_of(data: bytes, entries: int, number: int = 4) -> HotlistVersion:
    return HotlistVersion(
        name="state",
        version=number,
        issued_at=ISSUED,
        entries=entries,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )


times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@st.composite
def entries(draw: st.DrawFn, identifier: st.SearchStrategy[str] = ids) -> HotlistEntry:
    entered, expires = sorted(draw(st.tuples(times, times)))
    return entry(
        entry=draw(identifier),
        plate=draw(st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True)),
        state=draw(st.none() | st.sampled_from(STATES)),
        kind=draw(st.sampled_from(get_args(HotlistKind))),
        priority=draw(st.integers(1, 5)),
        entered=draw(st.none() | st.just(entered)),
        expires=draw(st.none() | st.just(expires)),
        note=draw(st.text(st.characters(codec="utf-8"), max_size=40)),
    )


few_ids = st.sampled_from("abcdef")
lists = st.lists(entries(), max_size=6, unique_by=lambda one: one.entry)
short_lists = st.lists(entries(few_ids), max_size=6, unique_by=lambda one: one.entry)


@given(lists)
def test_a_list_has_one_file_and_the_file_gives_the_list(some: list[HotlistEntry]) -> None:
    data = encode_list(some)
    assert decode_list(data) == tuple(sorted(some, key=lambda one: one.entry))
    assert encode_list(reversed(some)) == data
    assert encode_list(decode_list(data)) == data


@given(lists.filter(bool), st.data())
def test_a_file_cut_anywhere_is_no_issue_of_the_list(
    some: list[HotlistEntry], data: st.DataObject
) -> None:
    whole = encode_list(some)
    version = version_of(whole, len(some))
    assert verify_list(whole, version) == decode_list(whole)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ContractError):
        verify_list(whole[:cut], version)


def test_a_file_must_be_the_one_the_version_names() -> None:
    data = encode_list([entry()])
    changed = data.replace(b"1ABC23", b"1ABC24")
    with pytest.raises(ContractError, match="SHA-256"):
        verify_list(changed, version_of(data, 1))
    with pytest.raises(ContractError, match="entries, version says 2"):
        verify_list(data, version_of(data, 2))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"{}"], "line 1"),
        ([b""], "line 1"),
        ([b"x" * 9000], "line 1: 9000 bytes"),
    ],
)
def test_a_bad_line_is_named_by_its_number(lines: list[bytes], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        decode_list(b"".join(line + b"\n" for line in lines))


def test_lines_out_of_order_or_repeated_are_refused() -> None:
    one, two = encode_list([entry(entry="a")]), encode_list([entry(entry="b")])
    assert len(decode_list(one + two)) == 2
    for wrong in (two + one, one + one):
        with pytest.raises(ContractError, match="line 2: its id does not rise"):
            decode_list(wrong)
    with pytest.raises(ContractError, match="twice"):
        encode_list([entry(), entry()])
    with pytest.raises(ContractError, match="cut off"):
        decode_list(one[:-1])


@pytest.mark.parametrize(
    "changes",
    [
        {"plate": "1abc23"},
        {"plate": ""},
        {"plate": "ABC\n"},
        {"state": "Mass"},
        {"kind": "parking"},
        {"priority": 0},
        {"priority": 6},
        {"note": "x" * 501},
        {"entry": ""},
        {"entered": "2026-03-01T06:00:00"},
        {"entered": "2026-03-01T06:00:00+01:00"},
        {"expires": "2025-03-01T06:00:00Z"},
        {"v": 2},
        {"colour": "red"},
        {"type": "hotlist_delta"},
    ],
)
def test_an_entry_outside_the_format_is_refused(changes: dict[str, object]) -> None:
    fields = msgspec.to_builtins(entry())
    assert decode_list(json.dumps(fields).encode() + b"\n")
    with pytest.raises(ContractError, match="line 1"):
        decode_list(json.dumps(fields | changes).encode() + b"\n")


def test_what_no_reader_would_take_is_not_written() -> None:
    with pytest.raises(ContractError, match="plate"):
        encode_list([entry(plate="not a plate")])
    with pytest.raises(ContractError, match="UTF-8"):
        encode_list([entry(note="\ud800")])
    with pytest.raises(ContractError, match="not in UTC"):
        entry(entered=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5))))


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_the_one_error(data: bytes) -> None:
    for decode in (decode_list, decode_delta, lambda raw: verify_manifest(raw, KEY.public_key())):
        try:
            decode(data)
        except ContractError as error:
            assert str(error)


@given(
    lists.map(encode_list) | short_lists.map(encode_list).map(lambda raw: raw[:-1]),
    st.integers(0, 10_000),
    st.integers(0, 255),
)
def test_a_changed_byte_decodes_or_raises_the_one_error(data: bytes, at: int, value: int) -> None:
    if data:
        at %= len(data)
        data = data[:at] + bytes([value]) + data[at + 1 :]
    for decode in (decode_list, decode_delta):
        try:
            decode(data)
        except ContractError as error:
            assert str(error)


def manifest() -> HotlistManifest:
    data = encode_list([entry()])
    return sign_manifest(
        agency="boston",
        version=version_of(data, 1),
        previous_version=3,
        delta_base=2,
        private_key=KEY,
    )


def test_a_signed_manifest_is_taken_from_its_signer_alone() -> None:
    data = encode_manifest(manifest())
    assert verify_manifest(data, KEY.public_key()) == manifest()
    with pytest.raises(ContractError, match="signature"):
        verify_manifest(data, OTHER_KEY.public_key())


@pytest.mark.parametrize(
    "changes",
    [
        {"agency": "salem"},
        {"previous_version": None},
        {"delta_base": 3},
        {"key": "0" * 16},
        {"signature": "0" * 128},
    ],
)
def test_no_field_of_a_manifest_can_be_changed(changes: dict[str, object]) -> None:
    fields = msgspec.to_builtins(manifest())
    with pytest.raises(ContractError, match="signature"):
        verify_manifest(json.dumps(fields | changes).encode(), KEY.public_key())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 5),
        ("entries", 2),
        ("sha256", "0" * 64),
        ("size_bytes", 1),
        ("issued_at", "2026-03-02T06:00:00Z"),
        ("name", "other"),
    ],
)
def test_no_field_of_a_manifests_list_can_be_changed(field: str, value: object) -> None:
    fields = msgspec.to_builtins(manifest())
    fields["list"][field] = value
    with pytest.raises(ContractError, match="signature"):
        verify_manifest(json.dumps(fields).encode(), KEY.public_key())


def test_the_signature_covers_its_own_domain_and_rfc_8785_form() -> None:
    fields = msgspec.to_builtins(manifest())
    signature = bytes.fromhex(fields.pop("signature"))
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    KEY.public_key().verify(signature, b"plateward/hotlist-manifest/1\x00" + canonical)


@pytest.mark.parametrize("field", ["previous_version", "delta_base"])
def test_versions_only_rise(field: str) -> None:
    fields = msgspec.to_builtins(manifest()) | {field: 4}
    with pytest.raises(ContractError, match=f"{field}: not before version 4"):
        verify_manifest(json.dumps(fields).encode(), KEY.public_key())


def test_an_oversized_manifest_is_refused_unread() -> None:
    padded = encode_manifest(manifest()) + b" " * hotlist.MAX_MANIFEST_BYTES
    with pytest.raises(ContractError, match="the limit is"):
        verify_manifest(padded, KEY.public_key())


@given(short_lists, short_lists)
def test_a_delta_makes_the_newer_list_of_the_older(
    older: list[HotlistEntry], newer: list[HotlistEntry]
) -> None:
    delta = delta_between(older, newer, name="state", from_version=3, to_version=4)
    travelled = decode_delta(encode_delta(delta))
    assert travelled == delta
    made = apply_delta(older, "state", 3, travelled)
    data = encode_list(newer)
    assert verify_list(encode_list(made), version_of(data, len(newer))) == made


def test_a_delta_for_something_else_is_refused() -> None:
    delta = delta_between([entry()], [], name="state", from_version=3, to_version=4)
    for name, version in (("other", 3), ("state", 2)):
        with pytest.raises(ContractError, match="delta: for state version 3"):
            apply_delta([entry()], name, version, delta)
    with pytest.raises(ContractError, match="removed: entry 'e1' is not in version 3"):
        apply_delta([], "state", 3, delta)


def test_a_delta_that_contradicts_itself_is_refused() -> None:
    fields: dict[str, Any] = {"name": "state", "from_version": 3, "to_version": 4}
    with pytest.raises(ContractError, match="twice"):
        HotlistDelta(**fields, added=(entry(),), removed=("e1",))
    with pytest.raises(ContractError, match="from_version"):
        HotlistDelta(**(fields | {"to_version": 3}), added=(), removed=())


@pytest.mark.parametrize("plate", ["1AB?23", "?BC??4", "1AB*", "*C23"])
def test_an_entry_may_have_wildcards(plate: str) -> None:
    made = entry(plate=plate)
    assert decode_list(encode_list([made])) == (made,)


@pytest.mark.parametrize("plate", ["??????", "AB*", "A*B*C", "1AB-23"])
def test_a_plate_with_too_much_left_open_is_refused(plate: str) -> None:
    with pytest.raises((ContractError, msgspec.ValidationError)):
        decode_list(encode_list([entry(plate=plate)]))
