"""JSON Schema of everything on the wire, generated from the types themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from edge.contract.batch import Batch, HitNotice, Receipt, UnitStatus
from edge.contract.hotlist import HotlistDelta, HotlistEntry, HotlistManifest
from edge.contract.records import AnyRecord


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of records and messages, under ``$defs``; the root admits any of them."""
    types = (
        AnyRecord,
        Batch,
        HitNotice,
        Receipt,
        UnitStatus,
        HotlistEntry,
        HotlistManifest,
        HotlistDelta,
    )
    roots, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Plateward contract, version 1",
        "anyOf": list(roots),
        "$defs": components,
    }
