"""Every error in one shape: ``{"error": {"code": …, "message": one plain sentence}}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from repository.accounts.api_tokens_desk import NoSuchTokenError, OutOfScopeError
from repository.accounts.errors import (
    AccountError,
    AcknowledgementRequiredError,
    BulletinsUnreadError,
    NotAllowedError,
    NotYetOpenError,
    PasswordChangeRequiredError,
    SecondFactorRequiredError,
    SessionEndedError,
    SessionLockedError,
    SignInRefusedError,
    TooManyLoginRequestsError,
    TooManySignInsError,
)
from repository.accounts.oidc_provider import ProviderError
from repository.accounts.oidc_sign_in import NoProviderError, OidcRefusedError
from repository.accounts.sessions_rates import TooMuchAskedError
from repository.accounts.sessions_use import NoSuchSessionError
from repository.agencies.errors import AgencyError
from repository.audits.errors import AuditError, NoSuchAuditError
from repository.cases.errors import CaseError, NoSuchCaseError
from repository.errors import RepositoryError
from repository.hotlists.errors import (
    AlertRefusedError,
    EntryRefusedError,
    HotlistError,
    UnknownListError,
)
from repository.ledger.errors import NotCoveredError, NotSignedError
from repository.retention.holds_request import HoldError
from repository.search.errors import ApprovalNeededError, SearchRefusedError
from repository.units.requests import TooManyRequestsError, UnitClockError, UnitRefusedError
from repository.web.bearer import MixedCredentialsError
from repository.web.csrf import CrossSiteError

_log = structlog.get_logger("web")
_HTTP_SENTENCES = {
    401: "the request needs a bearer token from POST /api/v1/login",
    404: "there is nothing at this address",
    405: "this address does not take that method",
    413: "the body is too large",
}
_STATUS: Mapping[type[RepositoryError], tuple[int, str]] = {
    SignInRefusedError: (401, "sign_in_refused"),
    TooManySignInsError: (429, "too_many_sign_ins"),
    SessionEndedError: (401, "session_ended"),
    SessionLockedError: (401, "session_locked"),
    NoSuchSessionError: (404, "no_such_session"),
    NoSuchTokenError: (404, "no_such_token"),
    OutOfScopeError: (403, "out_of_scope"),
    NoProviderError: (404, "no_provider"),
    OidcRefusedError: (401, "sign_in_refused"),
    ProviderError: (503, "provider_unavailable"),
    TooMuchAskedError: (429, "too_much_asked"),
    MixedCredentialsError: (400, "mixed_credentials"),
    CrossSiteError: (403, "cross_site"),
    PasswordChangeRequiredError: (403, "password_change_required"),
    AcknowledgementRequiredError: (403, "acknowledgement_required"),
    SecondFactorRequiredError: (403, "second_factor_required"),
    BulletinsUnreadError: (403, "bulletins_unread"),
    NotYetOpenError: (403, "not_yet_open"),
    NotAllowedError: (403, "not_allowed"),
    TooManyLoginRequestsError: (429, "too_many_requests"),
    AccountError: (422, "refused"),
    NoSuchAuditError: (404, "no_such_audit"),
    AuditError: (422, "refused"),
    AgencyError: (422, "refused"),
    ApprovalNeededError: (403, "approval_needed"),
    NoSuchCaseError: (404, "no_such_case"),
    CaseError: (422, "refused"),
    HoldError: (422, "refused"),
    SearchRefusedError: (422, "refused"),
    UnitRefusedError: (401, "unit_refused"),
    UnitClockError: (401, "unit_clock"),
    TooManyRequestsError: (429, "too_many_requests"),
    HotlistError: (422, "refused"),
    NotCoveredError: (404, "no_proof"),
    NotSignedError: (503, "not_signed"),
    UnknownListError: (404, "no_such_list"),
    EntryRefusedError: (422, "refused"),
    AlertRefusedError: (422, "refused"),
}


class Why(BaseModel):
    """A word that programs go by, and one plain sentence."""

    code: str
    message: str


class Refusal(BaseModel):
    """Every error, in one shape."""

    error: Why


def answer(status: int, code: str, message: str, retry_after_s: int = 900) -> JSONResponse:
    """An error in the one shape; where too much was asked, it says when to come again."""
    headers = None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    elif status == 429:
        headers = {"Retry-After": str(retry_after_s)}
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def explain(errors: Sequence[Any]) -> str:
    """The first of a validation's errors: its place and what is wrong there, not what was typed."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    return f"{place}: {first['msg']}"


def install(app: FastAPI) -> None:
    """Have the app answer every error in the one shape."""
    app.add_exception_handler(RepositoryError, _repository_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)


async def _repository_error(_request: Request, error: Exception) -> JSONResponse:
    for kind in type(error).__mro__:
        if kind in _STATUS:
            status, code = _STATUS[kind]
            if isinstance(error, TooMuchAskedError):
                return answer(status, code, str(error), error.retry_after_s)
            return answer(status, code, str(error))
    _log.error("a request failed", why=str(error))
    return answer(503, "unavailable", "the repository cannot answer now; try again later")


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return answer(422, "invalid", explain(error.errors()))


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    message = _HTTP_SENTENCES.get(error.status_code, "the request cannot be answered")
    return answer(error.status_code, "http", message)
