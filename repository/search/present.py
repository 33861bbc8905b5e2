"""A search's result as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from repository.search.result import FoundRead, SearchResult, TogetherResult


def as_mapping(result: SearchResult) -> Mapping[str, Any]:
    """The result with its notice, each read with whose it is and how to confirm it."""
    return {
        "notice": result.notice,
        "ledger_entry": result.ledger_index,
        "emergency_review": result.emergency_review,
        "count": len(result.reads),
        "more": result.more,
        "next": result.next,
        "hint": result.hint,
        "reads": [read_mapping(each, result.searched_at) for each in result.reads],
    }


def together_mapping(result: TogetherResult) -> Mapping[str, Any]:
    """The plates that were seen with one, with their reads."""
    return {
        "notice": result.notice,
        "ledger_entry": result.ledger_index,
        "emergency_review": result.emergency_review,
        "occasions": result.found.occasions,
        "without_place": result.found.without_place,
        "companions": [
            {
                "plate": each.plate,
                "times": each.times,
                "days": each.days,
                "reads": [read_mapping(read, result.searched_at) for read in each.reads],
            }
            for each in result.found.companions
        ],
    }


def read_mapping(read: FoundRead, shown_at: datetime) -> Mapping[str, Any]:
    """A read as it is shown at that moment; its age is in seconds."""
    return {
        "id": str(read.read_id),
        "plate": read.plate,
        "how": read.how,
        "likelihood": read.likelihood,
        "guess": read.guess,
        "state": read.state,
        "confidence": read.confidence,
        "captured_at": read.captured_at.isoformat(),
        "age_s": round((shown_at - read.captured_at).total_seconds()),
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
        "engine": read.engine,
        "on_hotlist": read.on_hotlist,
        "corrected": None
        if read.corrected_plate is None
        else {"plate": read.corrected_plate, "state": read.corrected_state},
        "how_to_confirm": read.how_to_confirm,
    }
