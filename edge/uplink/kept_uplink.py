"""The uplink as the rest of the unit knows it: one that is made anew where it broke.

An uplink is used once. What breaks it is a fault of this software, and no reason to stop reading
plates: the spool keeps everything, and a new uplink goes on where the old one was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from edge.uplink.uplink import Uplink, UplinkCounts


class RunningUplink(Protocol):
    """What the daemon and the recorder ask of an uplink."""

    def start(self) -> None:
        """Connect and begin to send."""
        ...

    def stop(self) -> None:
        """Say goodbye to the broker and end."""
        ...

    def wake(self) -> None:
        """There is something new in the spool."""
        ...

    def send_everything(self) -> None:
        """Send all there is from now on, whatever the hour and the link's cost."""
        ...

    def is_alive(self) -> bool:
        """Whether it runs."""
        ...

    def counts(self) -> UplinkCounts:
        """What happened so far."""
        ...


class KeptUplink:
    """An uplink that may be started again after it broke."""

    def __init__(self, make: Callable[[], Uplink]) -> None:
        """The first one is made now, so that what is wrong with its settings is said at once."""
        self._make = make
        self._uplink = make()
        self._used = False
        self._everything = False

    def start(self) -> None:
        """Connect and begin to send; from the second time on with a new uplink.

        Raises:
            EdgeError: if a new one cannot be made.
        """
        if self._used:
            self._uplink.stop()
            self._uplink = self._make()
            if self._everything:
                self._uplink.send_everything()
        self._used = True
        self._uplink.start()

    def stop(self) -> None:
        """See RunningUplink.stop."""
        self._uplink.stop()

    def wake(self) -> None:
        """See RunningUplink.wake."""
        self._uplink.wake()

    def send_everything(self) -> None:
        """See RunningUplink.send_everything."""
        self._everything = True
        self._uplink.send_everything()

    def is_alive(self) -> bool:
        """See RunningUplink.is_alive."""
        return self._uplink.is_alive()

    def counts(self) -> UplinkCounts:
        """What happened since the uplink was last started."""
        return self._uplink.counts()
