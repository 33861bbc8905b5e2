"""Which requests with a cookie the repository's own pages made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.web import csrf
from repository.web.csrf import CrossSiteError, require_own_page

SESSION = "pwb_" + "a" * 43
OWN = {"host": "alpr.example.gov", "sec-fetch-site": "same-origin"}
PROVEN = OWN | {"x-csrf-token": csrf.token_for(SESSION)}

pytestmark = pytest.mark.policy("C-conf")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MADE-UP"])
def test_what_changes_something_needs_the_sessions_own_token(method: str) -> None:
    require_own_page(method, PROVEN, SESSION)
    for token in (None, "", "x", csrf.token_for(SESSION + "b"), "\udcff", SESSION):
        headers = OWN if token is None else OWN | {"x-csrf-token": token}
        with pytest.raises(CrossSiteError, match="CSRF token"):
            require_own_page(method, headers, SESSION)


@pytest.mark.parametrize(
    "said",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "https://alpr.example.gov.evil.example"},
        {"origin": "https://alpr.example.gov:8443"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://["},
        {"origin": "http://[::1"},
        {"origin": "https://alpr.example.gov]"},
        {"origin": "https://alpr.example.gov\N{ACCOUNT OF}"},
        {"origin": "https://alpr.example.gov@"},
        {},
    ],
)
def test_another_sites_request_is_refused_though_it_had_the_token(said: dict[str, str]) -> None:
    headers = {"host": "alpr.example.gov", "x-csrf-token": csrf.token_for(SESSION)} | said
    with pytest.raises(CrossSiteError):
        require_own_page("POST", headers, SESSION)


@pytest.mark.parametrize("origin", ["http://[", "null", ""])
@pytest.mark.parametrize("host", [{"host": ""}, {}])
def test_an_origin_that_names_no_host_is_not_that_of_a_request_without_one(
    origin: str, host: dict[str, str]
) -> None:
    with pytest.raises(CrossSiteError, match="another host"):
        csrf.require_same_site("POST", host | {"origin": origin})


def test_a_page_of_the_repository_may_name_itself_by_origin_alone() -> None:
    headers = {"host": "alpr.example.gov", "origin": "https://alpr.example.gov"}
    require_own_page("POST", headers | {"x-csrf-token": csrf.token_for(SESSION)}, SESSION)


def test_looking_needs_no_token_but_no_other_site_may_make_it_look() -> None:
    for said in ({}, OWN, {"sec-fetch-site": "none"}):
        require_own_page("GET", said, SESSION)
    for site in ("cross-site", "same-site"):
        with pytest.raises(CrossSiteError):
            require_own_page("GET", {"sec-fetch-site": site}, SESSION)


@given(st.text(max_size=60), st.text(max_size=60))
def test_tokens_of_two_sessions_differ_and_do_not_show_them(one: str, other: str) -> None:
    assert (csrf.token_for(one) == csrf.token_for(other)) == (one == other)
    assert len(csrf.token_for(one)) == 43
    if len(one) > 3:
        assert one not in csrf.token_for(one)
