"""What happens by the clock: the purge, checkpoints of the ledger, partitions made ahead."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from repository.accounts import disuse, training, user_review
from repository.agencies import (
    agreements_duties,
    deployments,
    misuse,
    reports,
    upkeep_duties,
)
from repository.audits import drawing, keeping, opening, reminders
from repository.bootstrap import Services
from repository.cases.evidence.layout import ACTION as PACKAGE_MADE
from repository.errors import RepositoryError
from repository.hotlists import upkeep
from repository.ingest import consumers, ownclock
from repository.ledger.entry import SYSTEM
from repository.ledger.signing import LOOK_EVERY_S, Signer
from repository.retention import holds_ending, holds_review, purge
from repository.retention.purge_job import PurgeJob
from repository.search import approvals, emergencies
from repository.store.ahead import ensure_coming_days
from repository.units import last_look

_log = structlog.get_logger("jobs")


@dataclass(frozen=True, slots=True)
class _Job:
    """What is done again and again, the first time as the repository starts unless it waits."""

    name: str
    every: timedelta
    work: Callable[[], object]
    waits: bool = False


def schedule(services: Services) -> BackgroundScheduler:
    """The jobs that the settings ask for, not started.

    A job that was due while the repository was down runs once when it is up again.
    """
    scheduler = BackgroundScheduler(
        timezone=UTC,
        logger=_quiet(),
        job_defaults={"coalesce": True, "misfire_grace_time": None},
    )
    scheduler.add_listener(_tell_left_out, EVENT_JOB_MAX_INSTANCES)
    now = services.clock()
    for job in _jobs(services):
        scheduler.add_job(
            _guarded(job.name, job.work),
            "interval",
            id=job.name,
            name=job.name,
            seconds=job.every.total_seconds(),
            **({} if job.waits else {"next_run_time": now}),
        )
    # What a purge left when it was cut off goes as soon as the repository is up again.
    name = "picture removal"
    leftovers = _guarded(name, lambda: purge.remove_leftovers(services.engine, services.pictures))
    scheduler.add_job(leftovers, id=name, name=name, next_run_time=now)
    return scheduler


def _jobs(services: Services) -> tuple[_Job, ...]:
    second, minute, hour = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
    signer = services.signer  # who cannot sign must not begin
    purge_job = PurgeJob(
        services.engine, services.pictures, services.duties, services.settings.jobs.purge_at
    )
    announcer = services.hotlist_announcer  # one, which knows what it has announced
    return (
        _Job("partitions", 6 * hour, lambda: make_partitions(services)),
        _Job("checkpoint", LOOK_EVERY_S * second, lambda: sign_when_due(services, signer)),
        _Job("witnesses", minute, services.witnesses.push),
        _Job("errors unanswered", 6 * hour, lambda: find_unanswered(services)),
        _Job("ingest processes", minute, lambda: miss_consumers(services), waits=True),
        _Job("hold reviews", 6 * hour, lambda: find_overdue_reviews(services)),
        _Job("duties of agencies", hour, lambda: look_for_what_is_due(services)),
        _Job("audits", 10 * minute, lambda: tend_audits(services)),
        _Job("tokens of services", 6 * hour, services.accounts.remind_of_tokens),
        _Job("dropped requests", minute, services.accounts.record_dropped_requests, waits=True),
        _Job("people", 6 * hour, lambda: tend_people(services)),
        _Job("search reviews", 10 * minute, lambda: find_waiting_searches(services)),
        _Job("announcing hot lists", 15 * second, lambda: announcer.look(services.clock())),
        _Job("hot lists", 10 * minute, lambda: tend_hotlists(services)),
        _Job("purge", minute, lambda: purge_job.look(services.clock())),
    )


def make_partitions(services: Services) -> None:
    """Make the partitions of today and the days ahead, so that ingest need not."""
    today = services.clock().astimezone(UTC).date()
    with services.engine.begin() as connection:
        ensure_coming_days(connection, today)


def sign_when_due(services: Services, signer: Signer) -> None:
    """Sign the ledger where enough was added, time went by, or somebody waits for it."""
    every = timedelta(minutes=services.settings.jobs.checkpoint_every_min)
    entries = services.settings.ledger.checkpoint_every_entries
    signer.sign_if_due(entries, every, at_once=(PACKAGE_MADE,))


def miss_consumers(services: Services) -> None:
    """Say which ingest processes are away, unless the clock itself is in doubt."""
    now = services.clock()
    with services.engine.begin() as connection:
        if ownclock.standing_doubt(connection, now) is None:
            consumers.miss_absent(connection, now)


def find_unanswered(services: Services) -> None:
    """Raise a finding for each error that was reported to an agency and not answered in time."""
    with services.engine.begin() as connection:
        reports.find_overdue(connection, services.clock())


def find_overdue_reviews(services: Services) -> None:
    """End the holds whose time has come, and raise a finding for each that was to be reviewed."""
    now = services.clock()
    with services.engine.begin() as connection:
        holds_ending.lapse(connection, services.retention_rule, now)
        holds_review.raise_overdue(connection, now)


def look_for_what_is_due(services: Services) -> None:
    """Remind agencies, and keep that it was looked, for who lists findings and sees none."""
    remind_agencies(services)
    last_look.keep(services.settings.data, services.clock())


def remind_agencies(services: Services) -> None:
    """Raise a finding for what agencies are to sign, name or do, and end those that were met."""
    chosen, now = services.settings.agencies, services.clock()
    with services.engine.begin() as connection:
        agreements_duties.look(connection, now, suspend=chosen.suspend_unsigned)
        services.policies.remind(connection, now)
        deployments.remind(connection, now)
        upkeep_duties.remind(connection, now, timedelta(hours=chosen.secure_within_h))
        misuse.remind(connection, now)


def tend_audits(services: Services) -> None:
    """Open the audits that are due, draw their samples, say what is overdue, purge what is over."""
    now = services.clock()
    with services.engine.begin() as connection:
        opening.open_due(connection, services.settings.audits, now)
        reminders.raise_overdue(connection, now)
    drawing.draw_due(services.engine, services.settings.audits.sample_size, now)
    keeping.purge(services.engine, SYSTEM, opening.JOBS, now)


def tend_people(services: Services) -> None:
    """Close accounts that nobody uses; raise findings for training and reviews that are due."""
    now = services.clock()
    disuse.close_unused(services.accounts)
    with services.engine.begin() as connection:
        training.remind(connection, now)
        user_review.remind(connection, now)


def find_waiting_searches(services: Services) -> None:
    """Raise findings for emergencies that nobody reviewed in time, and proposals that wait."""
    now = services.clock()
    wait = timedelta(hours=services.settings.search.approval_wait_h)
    with services.engine.begin() as connection:
        emergencies.find_overdue(connection, now)
        approvals.find_waiting(connection, now, wait)


def tend_hotlists(services: Services) -> None:
    """Issue the hot lists that changed by time alone, and raise findings for what waits."""
    with services.engine.begin() as connection:
        upkeep.tend(
            connection,
            lambda: services.publisher,
            services.settings.hotlists,
            services.clock(),
        )


def _quiet() -> logging.Logger:
    """The scheduler's own log: what it warns of is said in our words by `_tell_left_out`."""
    logger = logging.getLogger("apscheduler.scheduler")
    logger.setLevel(logging.ERROR)
    return logger


def _tell_left_out(turn: JobSubmissionEvent) -> None:
    _log.info("a job is still at work, so this turn of it is left out", job=turn.job_id)


def _guarded(name: str, job: Callable[[], object]) -> Callable[[], None]:
    def guarded() -> None:
        try:
            job()
        except RepositoryError as error:
            _log.error("a job failed and will run again when it is due", job=name, why=str(error))

    return guarded
