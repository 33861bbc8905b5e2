"""The cookies of a browser's session, and nobody else's: no other host or path can set them.

The prefix ``__Host-`` has the browser take them over TLS (or from its own machine) alone, for this
host alone. The session's cookie cannot be read by scripts and goes with no request that another
site began; the other holds the CSRF token, for the page's own script to send.
"""

from __future__ import annotations

from fastapi import Response

from repository.web import csrf

SESSION = "__Host-plateward-session"
CSRF = "__Host-plateward-csrf"


def give(response: Response, token: str, whole_s: int) -> str:
    """Have the browser keep a session's token for so many seconds; the CSRF token that fits it."""
    fitting = csrf.token_for(token)
    for name, value, hidden in ((SESSION, token, True), (CSRF, fitting, False)):
        response.set_cookie(
            name, value, max_age=whole_s, secure=True, httponly=hidden, samesite="strict"
        )
    return fitting


def take_back(response: Response) -> None:
    """Have the browser forget both."""
    for name, hidden in ((SESSION, True), (CSRF, False)):
        response.delete_cookie(name, secure=True, httponly=hidden, samesite="strict")
