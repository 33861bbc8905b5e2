"""The HTTP server before the application."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI


def make_server(app: FastAPI) -> uvicorn.Server:
    """A server of the application, not started; it logs no requests, which name people.

    Headers that say whom a request was forwarded for are not believed: the ledger's origin is the
    address that the connection itself came from. The server does not name itself.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, proxy_headers=False, server_header=False
        )
    )
