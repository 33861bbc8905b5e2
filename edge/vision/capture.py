"""Open the source of frames that a setting names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from edge.vision.credentials import with_credentials
from edge.vision.errors import CaptureError
from edge.vision.frames import Frame, FrameSource, Now, OnEvent
from edge.vision.live import Camera, LiveSource, open_device, open_stream
from edge.vision.pictures import PICTURE_SUFFIXES, PictureSource
from edge.vision.turned import Rotation, TurnedSource
from edge.vision.video import VideoFileSource, VideoPlace

__all__ = ["Frame", "FrameSource", "Now", "OnEvent", "open_source", "stream_label"]

_DEVICE = re.compile(r"device:(\d+)")
_STREAM_SCHEMES = frozenset({"rtsp", "rtsps", "http", "https"})


def open_source(
    spec: str,
    camera: str,
    now: Now,
    on_event: OnEvent,
    after: str | None = None,
    *,
    rotation: Rotation = 0,
    credentials: Path | None = None,
    begin: bool = False,
) -> FrameSource:
    """The source that `spec` names, for the camera called `camera`.

    `device:0` or `/dev/video0` is a camera of this machine, a URL with rtsp, rtsps, http or https
    a network stream; any other is the path of a folder of pictures, a picture or a video file.
    Of a folder, only the pictures that come `after` one are given, if it is named; a video goes on
    where `after` says, a VideoPlace's text.
    `on_event` takes a sentence when a live camera goes or a picture cannot be read. Raises
    CaptureError where the path is missing or cannot be opened; live sources keep trying instead.
    Frames are turned clockwise by `rotation` degrees. A network stream is asked for with the user
    and password in the file `credentials`, read anew at each try: it may change meanwhile.
    With `begin` a live source opens at once, and not when its first frame is asked for.
    """
    source = _open_upright(spec, camera, now, on_event, after, credentials)
    if begin and isinstance(source, LiveSource):
        source.begin()
    return source if rotation == 0 else TurnedSource(source, rotation)


def is_live(spec: str) -> bool:
    """Whether `spec` names a camera or a stream, and no recording."""
    scheme, separator, _ = spec.partition("://")
    return bool(
        _DEVICE.fullmatch(spec)
        or spec.startswith("/dev/video")
        or (separator and scheme.lower() in _STREAM_SCHEMES)
    )


def _open_upright(
    spec: str,
    camera: str,
    now: Now,
    on_event: OnEvent,
    after: str | None,
    credentials: Path | None,
) -> FrameSource:
    def live(opener: Callable[[], Camera], label: str) -> FrameSource:
        return LiveSource(opener, label, camera, now, on_event)

    if match := _DEVICE.fullmatch(spec):
        number = int(match[1])
        return live(lambda: open_device(number), spec)
    if spec.startswith("/dev/video"):
        return live(lambda: open_device(spec), spec)
    if "://" in spec and spec.partition("://")[0].lower() in _STREAM_SCHEMES:
        return live(
            lambda: open_stream(with_credentials(spec, credentials) if credentials else spec),
            stream_label(spec),
        )
    path = Path(spec)
    if not path.exists():
        raise CaptureError(
            f"source {stream_label(spec)} does not exist: name a folder, a picture, a video, "
            "device:N, or an rtsp or http address"
        )
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return PictureSource(path, camera, now, on_event, after)
    resumed = VideoPlace.of(after) if after is not None else None
    return VideoFileSource(path, camera, now, resumed)


def stream_label(url: str) -> str:
    """A source without user name, password and query: a label must not carry a secret.

    Raises CaptureError where a URL is none.
    """
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise CaptureError(
            "a camera's address is not a URL: write special characters of its password as %XX"
        ) from error
    return f"{parts.scheme}://{host}{port}{parts.path}"
