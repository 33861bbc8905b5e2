"""The name under which ingest processes share what units send.

mosquitto asks its access rules when it hands a message over, not when somebody subscribes: whoever
knew the name could subscribe under it, and what came to their turn would reach nobody. So the name
is a secret that every process of the installation derives (HKDF-SHA-256) from the same key.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMER_SHARE = "plateward-ingest"
"""The name of versions before: a session may still hold subscriptions under it."""
_NAME_BYTES = 16
_DERIVED_FOR = b"plateward ingest share 1"


def share_name(master_key: Callable[[], bytes]) -> str:
    """The installation's own name, 32 hex digits; ``master_key`` gives 32 secret bytes."""
    return HKDF(SHA256(), _NAME_BYTES, salt=None, info=_DERIVED_FOR).derive(master_key()).hex()


def shared(share: str, filter_: str) -> str:
    """The filter as MQTT 5 subscribes to it under that name."""
    return f"$share/{share}/{filter_}"
