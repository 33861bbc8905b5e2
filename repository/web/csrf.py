"""Whether a request that bears a cookie was made by the repository's own pages; pure.

Browsers send cookies along whoever had them make a request. What tells the repository's own pages:
the browser's word (``Sec-Fetch-Site``, and ``Origin``, which must be the host that was asked), and
for every method that may change something a token in the header ``X-CSRF-Token`` that belongs to
this session: the HMAC of a fixed word under the session's own token, which no other site can read
or work out, and from which the session's token cannot be worked out either.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from repository.errors import RepositoryError

HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_WORD = b"plateward csrf token"


class CrossSiteError(RepositoryError):
    """A request with a cookie that the repository's own pages did not make, or do not prove."""


def token_for(session_token: str) -> str:
    """The CSRF token of a session, 256 bits in URL-safe letters."""
    key = session_token.encode("utf-8", "surrogatepass")
    made = hmac.new(key, _WORD, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def require_same_site(method: str, headers: Mapping[str, str]) -> None:
    """Refuse what the browser says, or cannot deny, that another site had it ask.

    Raises:
        CrossSiteError: if another site began it, or if it may change something and the browser
            says nothing of where it began.
    """
    fetch_site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    # A person who follows a link or types the address comes from nowhere, and changes nothing.
    own = ("same-origin", "none") if method in SAFE_METHODS else ("same-origin",)
    if fetch_site is not None and fetch_site not in own:
        raise CrossSiteError("this request was begun by another site: use the repository's pages")
    if origin is not None and not _names(origin, headers.get("host")):
        raise CrossSiteError("this request's origin is another host than the one it asks")
    if method not in SAFE_METHODS and fetch_site is None and origin is None:
        raise CrossSiteError("a browser's request must name its origin; programs use bearer tokens")


def require_own_page(method: str, headers: Mapping[str, str], session_token: str) -> None:
    """Refuse a request with that session's cookie that its own page did not make.

    Raises:
        CrossSiteError: if another site began it, or an unsafe one lacks the session's CSRF token.
    """
    require_same_site(method, headers)
    if method in SAFE_METHODS:
        return
    given = headers.get(HEADER.lower(), "")
    if not hmac.compare_digest(given.encode(errors="replace"), token_for(session_token).encode()):
        raise CrossSiteError(f"the header {HEADER} must hold the CSRF token of this session")


def _names(origin: str, host: str | None) -> bool:
    try:
        named = urlsplit(origin).netloc
    except ValueError:  # no browser says this
        return False
    return bool(named) and named == host
