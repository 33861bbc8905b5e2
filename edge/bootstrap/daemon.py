"""The only place that builds the edge's real parts from settings."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import structlog

from edge.bootstrap.early import EarlyCameras
from edge.bootstrap.hotlists import build_folder, build_installation, build_web
from edge.bootstrap.position import build_position
from edge.bootstrap.spool import destroy_former_key, open_spool
from edge.bootstrap.uplink import build_uplink, build_withholding
from edge.console.terminal import Style, TerminalConsole
from edge.contract.plates import load_confusables, load_formats
from edge.contract.records import Engine, ModelDigest
from edge.daemon import Daemon
from edge.enrolment import EnrolledKeys, credentials_folder, load_keys
from edge.health.health import Health
from edge.health.observe import Observer
from edge.health.process import running_s
from edge.health.settings import MetricsSettings
from edge.health.start_note import noting_start, start_note
from edge.health.status import STATUS_FILE
from edge.hotfile.alerts import Alerts
from edge.hotfile.build_process import BuildProcess
from edge.hotfile.errors import HotfileError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.local import LocalList
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import LOCAL_LIST
from edge.pipeline import Identity
from edge.position.clock import UnitClock
from edge.position.clock_keeper import ClockKeeper, load_last_known
from edge.position.kernel_clock import kernel_error_ms, seconds_since_boot
from edge.recording.recorder import Recorder
from edge.recording.ring_rule import RingRule
from edge.settings import Settings
from edge.supervision.hearts import Hearts
from edge.supervision.service_manager import ServiceManager
from edge.supervision.supervisor import Part
from edge.uplink.kept_uplink import KeptUplink
from edge.uplink.uplink import Uplink
from edge.vision.aim_reference import AIM_FOLDER
from edge.vision.build import build_parts
from edge.vision.camera_settings import CameraSettings
from edge.vision.capture import is_live, open_source
from edge.vision.engine import EngineParts, PlateEngine
from edge.vision.frames import FrameSource
from edge.vision.picture_health_watch import PictureWatch
from edge.vision.region_detector import RegionDetector
from edge.vision.tracker import Tracker
from edge.watch import Camera

LAST_KNOWN_FILE = "last-known-time"

_log = structlog.get_logger()


@contextmanager
def build_daemon(settings: Settings, console: Style) -> Iterator[Daemon]:
    """The daemon of these settings; its spool is closed when the context ends.

    Raises:
        EdgeError: one sentence for what is missing or wrong: a key, a model, the spool.
    """
    software = f"plateward {version('plateward')}"
    keys = load_keys(settings.unit.keys, credentials_folder(os.environ))
    clock = build_clock(load_last_known(settings.unit.data / LAST_KNOWN_FILE))
    health = Health(clock.now, running_s=running_s())
    hearts = Hearts()
    position, receiver = build_position(settings.position, clock, health, hearts.beat)
    with ExitStack() as opened:
        early = opened.enter_context(closing(_early_cameras(settings, clock)))
        pool = opened.enter_context(ThreadPoolExecutor(1, "load-models"))
        loading = pool.submit(build_parts, settings.engine, cameras=len(settings.cameras))
        spool = opened.enter_context(open_spool(settings, keys, clock))
        # With the spool no other daemon runs here; models may load for minutes from here on.
        note = start_note(settings.unit.agency, settings.unit.name, software, health.report())
        ended_unclean = opened.enter_context(noting_start(settings.unit.data / STATUS_FILE, note))
        parts = loading.result()
        engine = PlateEngine(parts, load_formats())
        if engine.notices:
            health.trouble("engine providers", "; ".join(engine.notices))
        destroy_former_key(settings, keys, health)

        def make_uplink() -> Uplink:
            return build_uplink(
                settings.uplink,
                settings.unit.data,
                spool,
                keys,
                lists=lambda: recorder.hotlists.current.lists,
                clock=clock,
                health=health,
                software=software,
                hearts=hearts,
            )

        uplink = KeptUplink(make_uplink)
        confusables = load_confusables()
        hotlists = build_folder(settings, keys, confusables)
        give_up = threading.Event()
        withholding = build_withholding(
            settings.uplink,
            spool,
            confusables,
            clock=clock,
            monotonic_s=seconds_since_boot,
            health=health,
        )
        recorder = Recorder(
            identity=_identity(settings, engine, software),
            hotlists=_hotlists(settings, hotlists, give_up, hearts),
            position=position,
            clock=clock,
            spool=spool,
            withholding=withholding,
            uplink=uplink,
            console=TerminalConsole(console, settings.console.bell),
            alerts=Alerts({one.name: one.alerts.rule() for one in settings.hotlists}),
            ring_rule=RingRule(settings.alerts.ring_at_once_from, settings.alerts.ring_held_s),
            health=health,
            random_bytes=os.urandom,
            give_up=give_up,
            beat=hearts.beat,
        )
        cameras = [
            _camera(
                camera,
                _engine_for(camera, parts),
                clock,
                early,
                PictureWatch(camera, settings.unit.data / AIM_FOLDER, health.tell, time),
            )
            for camera in settings.cameras
        ]
        keeper = ClockKeeper(
            clock,
            settings.unit.data / LAST_KNOWN_FILE,
            say=health.tell,
            monotonic_s=seconds_since_boot,
        )
        yield Daemon(
            cameras,
            recorder,
            receiver,
            settings.unit.data / STATUS_FILE,
            parts=lambda stop, observer: [
                Part("clock", partial(keeper.run, stop), limit_s=None, vital=False),
                *_metrics(settings.metrics, observer, health, stop),
                *_list_updates(
                    settings, keys, hotlists, clock, health, hearts, stop, recorder.hotlists.take_in
                ),
            ],
            hearts=hearts,
            service=ServiceManager(os.environ),
            link_down_for_s=settings.health.link_down_for_h * 3600,
            ended_unclean=ended_unclean,
        )


def build_clock(last_known: datetime | None) -> UnitClock:
    """The unit's clock over this machine's; ``last_known`` is a time that was good once."""
    return UnitClock(
        system=lambda: datetime.now(UTC),
        monotonic_s=seconds_since_boot,
        service_error_ms=kernel_error_ms,
        last_known=last_known,
    )


def _hotlists(
    settings: Settings, folder: HotlistFolder, stop: threading.Event, hearts: Hearts
) -> HotlistFiles:
    return HotlistFiles(
        settings.hotlists,
        folder,
        settings.match,
        builder=BuildProcess(stop, hearts.beat),
        own=LocalList(folder.root / LOCAL_LIST / "entries", folder.key, folder.confusables),
    )


def _identity(settings: Settings, engine: PlateEngine, software: str) -> Identity:
    models = tuple(ModelDigest(name=name, sha256=sha256) for name, sha256 in engine.digests)
    return Identity(
        agency=settings.unit.agency,
        unit=settings.unit.name,
        engine=Engine(software=software, models=models),
    )


def _early_cameras(settings: Settings, clock: UnitClock) -> EarlyCameras:
    """The cameras that are no recordings, opening from now on."""
    return EarlyCameras(
        {
            one.name: _open_camera(one, clock, None, begin=True)
            for one in settings.cameras
            if is_live(one.source)
        }
    )


def _engine_for(settings: CameraSettings, parts: EngineParts) -> PlateEngine:
    """The engine of one camera; all share the networks, which any thread may run."""
    if settings.region:
        parts = replace(parts, detector=RegionDetector(parts.detector, settings.region))
    return PlateEngine(parts, load_formats())


def _open_camera(
    settings: CameraSettings, clock: UnitClock, after: str | None, *, begin: bool = False
) -> FrameSource:
    def said(sentence: str) -> None:
        _log.warning("camera", camera=settings.name, what=sentence)

    return open_source(
        settings.source,
        settings.name,
        clock.instant,
        said,
        after,
        rotation=settings.rotation,
        credentials=settings.credentials_file,
        begin=begin,
    )


def _camera(
    settings: CameraSettings,
    engine: PlateEngine,
    clock: UnitClock,
    early: EarlyCameras,
    pictures: PictureWatch,
) -> Camera:
    return Camera(
        name=settings.name,
        source=settings.source,
        open=early.opener(settings.name, partial(_open_camera, settings, clock)),
        tracker=Tracker,
        engine=engine,
        max_fps=settings.max_fps,
        pictures=pictures,
    )


def _list_updates(
    settings: Settings,
    keys: EnrolledKeys,
    folder: HotlistFolder,
    clock: UnitClock,
    health: Health,
    hearts: Hearts,
    stop: threading.Event,
    installed: Callable[[], None],
) -> Iterator[Part]:
    """What fetches the repository's lists; the unit goes on with those it has where it fails."""
    if not settings.hotlists:
        return
    from edge.hotfile.install_process import InstallProcess
    from edge.hotfile.updater import LIMIT_S, HotlistUpdater

    updates = settings.hotlist_updates
    web = None
    try:
        web = build_web(settings, keys, clock.now, stop, hearts.beat)
    except HotfileError as error:
        health.trouble("hot list updates", str(error))
    updater = HotlistUpdater(
        settings.hotlists,
        build_installation(settings, folder, clock.now),
        web,
        keys.spool_key,
        health,
        every_s=updates.every_s if updates is not None else 0.0,
        alarm_after_s=updates.alarm_after_s if updates is not None else 0.0,
        random=random.SystemRandom().random,
        stop=stop,
        process=InstallProcess(stop, hearts.beat),
        installed=installed,
        beat=hearts.beat,
    )
    yield Part("hot-list-updates", updater.run, LIMIT_S, vital=False)


def _metrics(
    settings: MetricsSettings, observer: Observer, health: Health, stop: threading.Event
) -> Iterator[Part]:
    """The server of the metrics, if they are asked for; the unit goes on where it fails."""
    if settings.port is None:
        return
    from edge.health.metrics_server import (
        MetricsServer,  # a unit without metrics does without its library
    )

    server = MetricsServer(settings.address, settings.port, observer.status, health)
    yield Part("metrics", partial(server.run, stop), limit_s=None, vital=False)
