"""A unit keeps its list up to date from the real web over real HTTPS, whatever breaks."""

from __future__ import annotations

import pytest

from edge.hotfile.partial import PIECE_BYTES
from tests.edge.hotfile.update_house import NEW, NEWER, OLD, Site, require_in_use
from tests.edge.hotfile.update_site import NOON
from tests.repository.listing import LIST, entries


@pytest.mark.policy("M-D1")
def test_the_first_list_comes_whole_and_says_where_from_and_when(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)
        facts = unit.folder.current(LIST)
        assert facts is not None
        assert (facts.source, facts.issued_at) == ("repository", NOON)
        assert unit.web.fetched_from == [0]
        assert unit.partials() == []
        assert unit.trouble is None


def test_from_then_on_deltas_are_enough_also_over_versions_that_were_missed(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW)
        unit.look()
        require_in_use(unit, NEW, 2)
        assert unit.web.deltas == [2]
        site.issue(OLD)
        site.issue(NEWER)
        unit.look()
        require_in_use(unit, NEWER, 4)
        assert unit.web.deltas == [2, 4, 3]
        assert unit.web.fetched_from == [0]


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize(
    "delta",
    [
        "UPDATE hotlist_versions SET delta = NULL WHERE version = 2",
        "UPDATE hotlist_versions SET delta = x'7b7d' WHERE version = 2",
        "UPDATE hotlist_versions SET delta = CAST(replace(CAST(delta AS TEXT), '009000X', "
        "'009000Y') AS BLOB) WHERE version = 2",
        "UPDATE hotlist_versions SET delta = CAST(replace(CAST(delta AS TEXT), 'E0000001', "
        "'E0008888') AS BLOB) WHERE version = 2",
    ],
    ids=["missing", "none", "altered", "misfit"],
)
def test_a_delta_that_does_not_yield_the_signed_list_is_not_used(site: Site, delta: str) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW)
        site.change(delta)
        unit.look()
        require_in_use(unit, NEW, 2)
        assert unit.web.fetched_from == [0, 0]
        assert unit.trouble is None


def test_what_broke_off_is_gone_on_with(site: Site) -> None:
    many = entries(4000)
    site.issue(many)
    size = len(many) * 160
    with site.car() as unit:
        site.link.break_after = size // 2
        unit.look()
        assert site.link.broken == 1
        assert unit.folder.current(LIST) is None
        assert "broke off" in (unit.trouble or "")
    with site.car() as unit:
        unit.look()
        require_in_use(unit, many, 1)
        (start,) = unit.web.fetched_from
        assert PIECE_BYTES < start <= size // 2, "and what was no whole piece yet"
        assert unit.trouble is None


def test_a_newer_version_makes_an_older_download_pointless(site: Site) -> None:
    site.issue(entries(4000))
    with site.car() as unit:
        site.link.break_after = 200_000
        unit.look()
        (first,) = unit.partials()
        site.issue(OLD)
        unit.look()
        require_in_use(unit, OLD, 2)
        assert not first.exists()
        assert unit.web.fetched_from == [0, 0]


def test_an_empty_list_is_a_list(site: Site) -> None:
    site.issue([])
    with site.car() as unit:
        unit.look()
        require_in_use(unit, [], 1)


@pytest.mark.policy("M-D1")
def test_lists_that_cannot_be_had_for_long_are_a_trouble_and_no_hiccup_is(site: Site) -> None:
    with site.car(alarm_after_s=2 * 86_400.0) as unit:
        unit.look()
        unit.look()
        assert unit.trouble is None
        unit.look()
        assert "import it there" in (unit.trouble or "")
        site.issue(OLD)
        unit.look()
        assert unit.trouble is None
        require_in_use(unit, OLD, 1)


def test_after_a_failure_it_tries_again_soon_and_after_a_success_at_the_interval(
    site: Site,
) -> None:
    asked: list[float] = []
    with site.car() as unit:
        real = unit.web.manifest

        def noting(name: str, known: str | None) -> tuple[bytes, str] | None:
            asked.append(unit.passed_s[0])
            return real(name, known)

        unit.web.manifest = noting  # type: ignore[method-assign]
        for _ in range(40):
            unit.updater.look()
            unit.passed_s[0] += 1.0
        assert asked == [0.0, 4.0, 12.0, 27.0]
        site.issue(OLD)
        asked.clear()
        unit.look()
        first = unit.passed_s[0]
        for _ in range(301):
            unit.updater.look()
            unit.passed_s[0] += 1.0
        assert asked == [first, first + 300.0]
