"""Who must bring what, where a list that the unit had does not open."""

from __future__ import annotations

from edge.hotfile.settings import HotlistSource


def remedy(source: HotlistSource) -> str:
    """How the list is had again, as the end of a sentence."""
    if source.path is None:
        return (
            "bring it on a USB stick, from 'alpr-repository hotlists export' to 'alpr-edge hotfile "
            "import', unless [hotlist_updates] fetches it again"
        )
    if source.path.exists():
        return f"the unit builds it again from {source.path}"
    return f"put the department's file at {source.path} again, and the unit builds it at once"
