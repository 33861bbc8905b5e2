"""What version 1 wrote once, every later version reads and writes the same way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jsonschema import Draft202012Validator

from edge.contract import batch as b
from edge.contract import hotlist as h
from edge.contract.records import decode_record, encode_record, record_digest
from edge.contract.schema import json_schema
from tests import whole_lists

GOLDEN = Path(__file__).parent / "golden" / "v1"
FACTS = json.loads((GOLDEN / "facts.json").read_text())
RECORDS = sorted(FACTS["digests"])
MESSAGES = [
    "batch",
    "hit_notice",
    "receipt",
    "status",
    "hotlist_entry",
    "hotlist_manifest",
    "hotlist_delta",
]


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def public_key(name: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(FACTS[f"{name}_public_key"]))


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_still_reads_writes_and_digests_the_same(name: str) -> None:
    assert encode_record(decode_record(golden(name))) == golden(name)
    assert record_digest(golden(name)).hex() == FACTS["digests"][name]


def test_the_batch_still_verifies() -> None:
    batch = b.decode_batch(golden("batch"))
    b.verify_batch_signature(batch, public_key("unit"))
    b.verify_batch_root(batch)
    assert batch.root == FACTS["batch_root"]
    assert b.encode_message(batch) == golden("batch")


def test_the_hit_notice_and_the_receipt_still_verify() -> None:
    b.verify_hit(b.decode_hit(golden("hit_notice")), public_key("unit"))
    b.verify_receipt(b.decode_receipt(golden("receipt")), public_key("repository"))
    assert b.encode_message(b.decode_status(golden("status"))) == golden("status")


def test_the_hot_list_still_verifies() -> None:
    manifest = h.verify_manifest(golden("hotlist_manifest"), public_key("repository"))
    listed = (GOLDEN / "hotlist.jsonl").read_bytes()
    entries = whole_lists.verify_list(listed, manifest.list)
    assert whole_lists.encode_list(entries) == listed
    assert h.encode_manifest(manifest) == golden("hotlist_manifest")
    delta = h.decode_delta(golden("hotlist_delta"))
    assert h.encode_delta(delta) == golden("hotlist_delta")
    assert delta.to_version == manifest.list.version


@pytest.mark.parametrize("name", RECORDS + MESSAGES)
def test_the_schema_admits_what_the_types_admit(name: str) -> None:
    validator = Draft202012Validator(json_schema())
    message = json.loads(golden(name))
    validator.validate(message)
    assert not validator.is_valid({**message, "unknown": 1})
    assert not validator.is_valid({**message, "v": 2})
    for field in message:
        if field not in ("v", "type"):
            assert not validator.is_valid({k: v for k, v in message.items() if k != field}), field


def test_the_published_schema_is_the_types_own() -> None:
    published = Path(__file__).parents[2] / "edge" / "contract" / "schema-v1.json"
    assert json.loads(published.read_text()) == json_schema(), "run scripts/schema"
