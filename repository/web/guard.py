"""What stands before every request: a limit on its size, headers on every answer, and a net.

Plain ASGI, so that a body is counted as it arrives, whatever length it claims.
"""

from __future__ import annotations

import structlog
from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from repository.web.faults import answer

MAX_BODY_BYTES = 64 * 1024
MAX_LIST_BYTES = 256 * 1024 * 1024
"""Of a hot list's file, which a service brings; its route takes nothing before the token."""

_LISTS = "/api/v1/hotlist-sources/"

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_log = structlog.get_logger("web")

_AMBIGUOUS = (
    "a request has Content-Length or Transfer-Encoding, not both: where it ends must be plain"
)


class CutOffError(Exception):
    """An answer that had begun could not be finished."""


class Guard:
    """Refuses bodies over the limit, guards every answer's headers, and answers for every error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = MAX_LIST_BYTES if scope["path"].startswith(_LISTS) else MAX_BODY_BYTES
        taken = 0
        answered = False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413)
            return message

        async def with_headers(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if _is_ambiguous(scope):
            refusal = answer(400, "bad_request", _AMBIGUOUS)
            refusal.headers["Connection"] = "close"  # what follows may be meant for somebody else
            await refusal(scope, receive, with_headers)
            return
        try:
            await self._app(scope, counted, with_headers)
        except ClientDisconnect:  # nobody is there to be answered, and nothing went wrong here
            return
        except Exception as error:  # noqa: BLE001 - the last net: nothing may pass it unanswered
            # The kind alone, and no traceback: its text may hold a plate or a name.
            _log.error("a request failed unforeseen", kind=type(error).__name__)
            if answered:
                raise CutOffError from None
            failure = answer(
                500, "internal", "the repository failed to answer; the operator's log says why"
            )
            await failure(scope, receive, with_headers)


def _is_ambiguous(scope: Scope) -> bool:
    """Whether a proxy could find the end of this request elsewhere (RFC 9112, section 6.3)."""
    names = {name for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names
