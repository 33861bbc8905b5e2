"""The web application, made of its routes and of what stands before them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute

from repository.web import faults
from repository.web.api import (
    agencies,
    alerts,
    api_tokens,
    approvals,
    audits,
    bulletins,
    cases,
    hotlist_entries,
    hotlists,
    ledger,
    misuse,
    oidc,
    own_account,
    people,
    people_admin,
    pictures,
    requests,
    searching,
    service_uses,
    sessions,
)
from repository.web.bodies import read_in_one_way
from repository.web.document import REFUSALS
from repository.web.guard import Guard
from repository.web.services import WebServices

API = "/api/v1"


def create_app(services: WebServices) -> FastAPI:
    """The application over these services; pages that describe it to strangers are left out."""
    app = _application()
    app.state.services = services
    return app


def describe() -> dict[str, Any]:
    """Every route of the application, for those who write programs against it (OpenAPI 3.1)."""
    return _application().openapi()


def _application() -> FastAPI:
    app = FastAPI(
        title="Plateward",
        version=metadata.version("plateward"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would send people to whatever host the request names
        routes=_routes(),
    )
    faults.install(app)
    app.add_middleware(Guard)
    return app


@functools.cache
def _routes() -> list[BaseRoute]:
    """All routes. A process makes them once: they take most of a first request's time."""
    every = APIRouter()
    every.get("/healthz")(_health)
    for router in (
        searching.router,  # what is asked most often: routes are tried in this order
        people.router,
        people_admin.router,
        bulletins.router,
        own_account.router,
        sessions.router,
        oidc.router,
        api_tokens.router,
        service_uses.router,
        approvals.router,
        requests.router,
        pictures.router,
        cases.router,
        ledger.router,
        hotlists.router,
        hotlist_entries.router,
        alerts.router,
        audits.router,
        agencies.router,
        misuse.router,
    ):
        every.include_router(
            router, prefix=API, responses=REFUSALS, dependencies=[Depends(read_in_one_way)]
        )
    return every.routes


async def _health() -> Mapping[str, str]:
    """That the process answers; it says nothing of the database, which restarts would not mend."""
    return {"status": "ok"}
