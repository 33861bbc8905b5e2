"""What the uplink raises on purpose."""

from edge.errors import EdgeError


class UplinkError(EdgeError):
    """The link's settings cannot work; the text names the file and what to do."""
