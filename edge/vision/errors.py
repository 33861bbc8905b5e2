"""What the vision room raises on purpose."""

from edge.errors import EdgeError


class VisionError(EdgeError):
    """A stage failed on a picture; the picture was not searched, which is not 'no plate'."""


class ModelError(VisionError):
    """A model file is missing, corrupt or not the one that was expected."""


class CaptureError(VisionError):
    """A source of frames cannot be opened or a picture in it cannot be read."""
