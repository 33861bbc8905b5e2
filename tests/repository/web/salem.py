"""Everything that Salem has under an id, so that people of Boston may guess at it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from edge.contract.hotlist import HotlistEntry
from repository.agencies.policies import Adopted
from repository.audits import drawing
from repository.store.tables.signing_in import passkeys
from tests.repository.accounts.authenticator import Authenticator
from tests.repository.audits.test_face_register import ASKED
from tests.repository.hotlists.test_alerts import arrive
from tests.repository.listing import entries, issue
from tests.repository.people import promote, sign_in
from tests.repository.search.desk import FORM, REASON
from tests.repository.sightings import sight
from tests.repository.web.attacked import Site

WORDS = "Words that say enough of what was found and what was done about it"
DAY = "2026-03-01"
PERIOD = {"from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}
CASE, OWN_CASE = "24-1187", "B-7"
LIST, OWN_LIST = "stolen", "lookout"
BOLO = {
    "list": "bolo", "plate": "1ABC23", "kind": "amber_alert", "expires": "2026-03-05T00:00:00Z",
    "reason": "AMBER alert of 1 March, father took the child",
    "authorized_by": "Ann Poe", "rank": "Captain",
}  # fmt: skip


def form() -> dict[str, Any]:
    """A request for a search, as it is typed."""
    typed = {name: getattr(FORM, name) for name in type(FORM).__dataclass_fields__}
    return {("case" if name == "case_number" else name): said for name, said in typed.items()}


def face_request() -> dict[str, Any]:
    """A request on paper to somebody who searches faces, as it is typed."""
    typed = {name: getattr(ASKED, name) for name in ASKED.__slots__ if getattr(ASKED, name)}
    return typed | {"requested_at": ASKED.requested_at.isoformat()}


def deployment(site: Site, unit: str = "car-7") -> dict[str, Any]:
    """An approval of a unit's use."""
    now = site.clock()
    return {
        "unit": unit, "purpose": WORDS, "area": "Salem", "from_at": now.isoformat(),
        "until_at": (now + timedelta(days=1)).isoformat(), "approver": "Ruth Roe",
        "title": "Captain", "designation": "Order 7",
    }  # fmt: skip


def of_salem(site: Site) -> dict[str, Any]:
    """The ids of all that Salem has, by what it is; Boston has a case and some papers too."""
    return {
        **_at_rest(site),
        **_searching(site),
        **_people(site),
        **_hotlists(site),
        **_of_boston(site),
    }


def _number(site: Site, path: str, body: Any, key: str, by: str = "jdoe") -> Any:
    return site.made(by, path, body)[key]


def _at_rest(site: Site) -> dict[str, Any]:
    """What comes in by no route; made first, since a new passkey ends every session."""
    rooms, now = site.rooms, site.clock()
    person = sign_in(rooms.accounts, "jdoe")
    answer = Authenticator().make(rooms.accounts.new_passkey(person))
    rooms.accounts.add_passkey(person, answer, "blue key", "test")
    with rooms.engine.begin() as connection:
        (passkey,) = connection.scalars(select(passkeys.c.id)).all()
    adopted = Adopted("policy", "ALPR policy", "1", date(2026, 1, 5), b"Be fair.")
    policy = rooms.policies.adopt(None, "salem-pd", adopted, "test")
    alert = arrive(rooms.engine, now - timedelta(hours=2)).id
    unseen = sight(rooms.engine, "9ZZZ99", now - timedelta(hours=3), seq=7)
    return {"passkey": passkey, "policy": policy, "alert": alert, "unseen": unseen}


def _searching(site: Site) -> dict[str, Any]:
    site.made("jdoe", "/search", site.question())
    broad = site.question(plate=None, near="42.5195,-70.8967", radius_m=5000)
    urgent = broad | {"emergency": "A child was pulled into a grey van on Derby Street at noon"}
    audit = _number(site, "/audits", {"agency": "salem-pd", "reason": WORDS, **PERIOD}, "audit")
    site.rooms.signer.sign_checkpoint()
    drawing.draw_due(site.rooms.engine, 10, site.clock())
    return {
        "approval": _number(
            site, "/approvals/search", {"search": broad, "reason": REASON}, "number"
        ),
        "review": _number(site, "/search", urgent, "emergency_review"),
        "request": _number(site, "/search-requests", form(), "number"),
        "audit": audit,
        "finding": _number(
            site, f"/audits/{audit}/findings", {"text": WORDS, "due_on": "2026-04-01"}, "finding"
        ),
        "face_request": _number(site, "/face-requests", face_request(), "face_request"),
        "case": CASE,
    }


def _people(site: Site) -> dict[str, Any]:
    asked = {
        "name": "New Person", "position": "Officer", "agency": "salem-pd",
        "phone": "978-555-0100", "email": "new@example.gov", "reason": WORDS,
    }  # fmt: skip
    told = {"about": "policy", "title": "T", "body": "B", "agency": "salem-pd"}
    bulletin = _number(site, "/bulletins", told, "bulletin")
    for login in ("jdoe", "sroe"):
        site.made(login, f"/bulletins/{bulletin}/acknowledgement", None)
    token = {"name": "counts", "responsible": "jdoe", "scopes": ["statistics:read"], "days": 30}
    site.made("jdoe", "/own-plates", {"plate": "1OWN11"})
    site.made("jdoe", "/agency/repair-sources", {"source": "Acme Repair"})
    (session,) = site.ask("jdoe", "GET", "/sessions").json()["sessions"]
    (training, *_) = site.ask("jdoe", "GET", "/trainings").json()["trainings"]
    gone = {"login": "gone", "name": asked["name"], "agency": "salem-pd", "roles": ["officer"]}
    site.made("jdoe", "/users", gone)
    site.made("jdoe", "/users/gone/closing", {})
    return {
        "closed": "gone",
        "login_request": _number(site, "/login-requests", asked, "request"),
        "user_review": _number(site, "/user-reviews", {}, "review"),
        "bulletin": bulletin,
        "misuse": _number(site, "/misuse-reports", {"what": WORDS, "against": "sroe"}, "report"),
        "token": _number(site, "/api-tokens", token, "id"),
        "deployment": _number(site, "/agency/deployments", deployment(site), "deployment"),
        "session": session["id"],
        "training": training["id"],
        "plate": "1OWN11",
        "company": "Acme Repair",
    }


def _hotlists(site: Site) -> dict[str, Any]:
    """A list from a source in two versions, and one by hand with an entry that alerts."""
    engine, now = site.rooms.engine, site.clock()
    key = Ed25519PrivateKey.generate()
    some: list[HotlistEntry] = entries(3)
    for version in (some[:2], some):
        issue(engine, version, now, "salem-pd", LIST, key)
    promote(engine, "sroe")
    number = _number(site, "/hotlist-entries", BOLO, "number")
    entry = _number(site, f"/hotlist-entries/{number}/confirm", None, "entry", by="sroe")
    other = _number(site, "/hotlist-entries", BOLO | {"plate": "2DEF45"}, "number")
    return {"list": LIST, "entry": entry, "entry_number": number, "proposed": other}


def _of_boston(site: Site) -> dict[str, Any]:
    """What eve may name, so that what she guesses at is all that is wrong."""
    site.made("eve", "/search", site.question(case=OWN_CASE))
    request = _number(site, "/search-requests", form(), "number", by="eve")
    site.made("eve", f"/search-requests/{request}/decision", {"accept": True, "reason": WORDS})
    asked = {
        "name": "New Person", "position": "Officer", "agency": "boston-pd",
        "phone": "617-555-0100", "email": "new@boston.example.gov", "reason": WORDS,
    }  # fmt: skip
    site.made("eve", "/hotlist-entries", BOLO | {"list": OWN_LIST})
    scopes = {"name": "lists", "responsible": "eve", "scopes": ["hotlists:write"], "days": 30}
    return {
        "own_request": request,
        "own_login_request": _number(site, "/login-requests", asked, "request", by="eve"),
        "own_review": _number(site, "/user-reviews", {}, "review", by="eve"),
        "service": _number(site, "/api-tokens", scopes, "token", by="eve"),
    }
