"""The HTTP server before the application."""

from __future__ import annotations

from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

from repository.web.patience import PatientProtocol

_BACKLOG = 64
"""Connections that are taken at once, before those beyond the bound are dropped again."""


def make_server(app: FastAPI, proxies: Sequence[str] = ()) -> uvicorn.Server:
    """A server of the application, not started; it logs no requests, which name people.

    X-Forwarded-For is believed of ``proxies`` alone: otherwise the ledger's origin is the address
    that the connection itself came from. The server does not name itself.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",  # what takes up another protocol is bounded by nothing there
            backlog=_BACKLOG,
            log_config=None,
            access_log=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            server_header=False,
        )
    )
