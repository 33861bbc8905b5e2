"""A fault that must last before it is believed, and be gone for a while before it is over."""

from __future__ import annotations


class Lasting:
    """Adds up how long a fault was seen; None as evidence means that nothing could be told."""

    def __init__(self, after_s: float, well_after_s: float, *, forgiving: bool = True) -> None:
        """One sound picture ends the count of a fault; a `forgiving` one loses its time only."""
        self._after_s = after_s
        self._well_after_s = well_after_s
        self._forgiving = forgiving
        self._bad_s = 0.0
        self._well_s = 0.0
        self.stands = False

    def add(self, bad: bool | None, elapsed_s: float) -> bool:
        """Take the evidence for the last `elapsed_s`; whether the fault stands now."""
        if bad is None:
            return self.stands
        if bad:
            self._well_s = 0.0
            self._bad_s = min(self._bad_s + elapsed_s, self._after_s)
        else:
            self._well_s += elapsed_s
            self._bad_s = max(0.0, self._bad_s - elapsed_s) if self._forgiving else 0.0
        if self.stands:
            self.stands = self._well_s < self._well_after_s
            if not self.stands:
                self._bad_s = 0.0
        else:
            self.stands = bad and self._bad_s >= self._after_s
        return self.stands

    def reset(self) -> None:
        """Forget all: what was judged is no longer what is."""
        self._bad_s = self._well_s = 0.0
        self.stands = False
