"""A search's result as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repository.search.result import FoundRead, SearchResult


def as_mapping(result: SearchResult) -> Mapping[str, Any]:
    """The result with its notice, each read with whose it is and how to confirm it."""
    return {
        "notice": result.notice,
        "ledger_entry": result.ledger_index,
        "count": len(result.reads),
        "more": result.more,
        "next": result.next,
        "reads": [read_as_mapping(each) for each in result.reads],
    }


def read_as_mapping(read: FoundRead) -> Mapping[str, Any]:
    """One read as every result and every case file shows it."""
    return {
        "id": str(read.read_id),
        "plate": read.plate,
        "how": read.how,
        "state": read.state,
        "confidence": read.confidence,
        "captured_at": read.captured_at.isoformat(),
        "place": {
            "latitude_deg": read.latitude_deg,
            "longitude_deg": read.longitude_deg,
            "site": read.site,
        },
        "source": {
            "agency": read.agency,
            "title": read.agency_title,
            "ori": read.agency_ori,
            "unit": read.unit,
            "camera": read.camera,
        },
        "on_hotlist": read.on_hotlist,
        "corrected": None
        if read.corrected_plate is None
        else {"plate": read.corrected_plate, "state": read.corrected_state},
        "how_to_confirm": read.how_to_confirm,
    }
