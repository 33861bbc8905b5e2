"""The unit's health as Prometheus metrics: made of its status at the moment they are asked for.

Nothing is counted here, so that metrics, status and reports never differ. Names carry their
units. No plate, no place and no sentence stands in a metric; labels are names from the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.health.status import Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class StatusCollector(Collector):
    """Gives the metrics of a status that is asked for anew each time."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        """Every metric, from one status."""
        status = self._status()
        yield from _unit(status)
        yield from _counters(status)
        yield from _cameras(status)
        yield from _hotlists(status)
        yield from _place_and_time(status)
        yield from _storage(status)
        yield from _latencies(status)
        yield from _parts(status)


def metrics_text(status: Callable[[], Status]) -> bytes:
    """The metrics in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Described(StatusCollector(status)))
    return generate_latest(registry)


class _Described(Collector):
    """A collector that is not asked anything when it is registered."""

    def __init__(self, collector: StatusCollector) -> None:
        self._collector = collector

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._collector.collect()


def _unit(status: Status) -> Iterator[Metric]:
    yield _gauge(
        "unit_info",
        "Which unit this is.",
        {(status.agency, status.unit, status.software): 1},
        ("agency", "unit", "software"),
    )
    yield _gauge(
        "trouble", "1 for each part in trouble.", dict.fromkeys(status.troubles, 1), ("part",)
    )
    yield _gauge(
        "trouble_since_timestamp_seconds",
        "When the trouble of a part began.",
        {part: one.since.timestamp() for part, one in status.troubles.items()},
        ("part",),
    )


def _counters(status: Status) -> Iterator[Metric]:
    for name, number in sorted(status.counters.items()):
        yield _counter(name, f"{_words(name)} since the daemon's start.", {(): number})
    by_camera: dict[str, dict[str, float]] = {}
    for camera in status.cameras:
        for name, number in camera.counters.items():
            by_camera.setdefault(name, {})[camera.name] = number
    for name, numbers in sorted(by_camera.items()):
        yield _counter(
            f"camera_{name}", f"{_words(name)} of a camera since the start.", numbers, ("camera",)
        )


def _cameras(status: Status) -> Iterator[Metric]:
    yield _gauge(
        "camera_frames_per_second",
        "Frames looked at each second, over the last ten seconds.",
        {one.name: one.frames_per_s for one in status.cameras},
        ("camera",),
    )
    for what, title in (("frame", "Age of the last frame."), ("read", "Age of the last read.")):
        ages = {one.name: getattr(one, f"last_{what}_s") for one in status.cameras}
        yield _gauge(
            f"camera_last_{what}_age_seconds",
            title,
            {name: age for name, age in ages.items() if age is not None},
            ("camera",),
        )


def _hotlists(status: Status) -> Iterator[Metric]:
    lists = status.hotlists
    label = ("list",)
    yield _gauge("hotlist_age_seconds", "Age of a list.", {o.name: o.age_s for o in lists}, label)
    yield _gauge("hotlist_entries", "Entries of a list.", {o.name: o.entries for o in lists}, label)
    yield _gauge(
        "hotlist_stale",
        "1 if a list is too old, or dated ahead of the clock.",
        {o.name: int(o.stale) for o in lists},
        label,
    )


def _place_and_time(status: Status) -> Iterator[Metric]:
    yield _gauge(
        "position_state", "Whether the place is known.", {status.position.state: 1}, ("state",)
    )
    if status.position.age_s is not None:
        yield _gauge("position_fix_age_seconds", "Age of the fix.", {(): status.position.age_s})
    if status.position.satellites is not None:
        yield _gauge("position_satellites", "Satellites.", {(): status.position.satellites})
    yield _gauge("clock_source", "What keeps the clock.", {status.clock.source: 1}, ("source",))
    if status.clock.error_ms is not None:
        yield _gauge("clock_error_seconds", "Estimated error.", {(): status.clock.error_ms / 1000})


def _storage(status: Status) -> Iterator[Metric]:
    if (disk := status.disk) is not None:
        yield _gauge("disk_free_bytes", "Free on the data's disk.", {(): disk.free_bytes})
        yield _gauge("disk_size_bytes", "Size of the data's disk.", {(): disk.total_bytes})
    yield _gauge("uplink_connected", "1 while connected.", {(): int(status.uplink.connected)})
    yield _counter("uplink", "What went over the link.", status.uplink.counts, ("what",))
    if (spool := status.spool) is None:
        return
    yield _gauge("spool_records_waiting", "Records not yet receipted.", {(): spool.waiting})
    yield _gauge("spool_hits_waiting", "Hits not yet told.", {(): spool.hits_waiting})
    yield _gauge("spool_pictures_waiting", "Pictures not yet held.", {(): spool.pictures_waiting})
    if spool.oldest_waiting_s is not None:
        yield _gauge(
            "spool_oldest_waiting_seconds", "Age of the oldest.", {(): spool.oldest_waiting_s}
        )
    outcomes = ("spooled", "receipted", "refused", "lost")
    yield _counter(
        "spool_records",
        "Records over the unit's life, by what became of them.",
        {outcome: getattr(spool, outcome) for outcome in outcomes},
        ("outcome",),
    )
    yield _counter(
        "spool_pictures_gave_way",
        "Pictures for which there was no room.",
        {(): spool.pictures_gave_way},
    )
    yield _gauge("spool_withheld_kept", "Reads kept on the unit.", {(): spool.withheld_kept})
    yield _counter("spool_withheld", "Reads that a rule kept here.", spool.withheld, ("rule",))


def _latencies(status: Status) -> Iterator[Metric]:
    steps = {what.removesuffix("_ms"): one for what, one in status.durations.items()}
    yield _gauge(
        "latency_seconds",
        "Median and 95th percentile of the last thousand.",
        {
            (step, quantile): value / 1000
            for step, one in steps.items()
            for quantile, value in (("0.5", one.p50_ms), ("0.95", one.p95_ms))
        },
        ("step", "quantile"),
    )
    yield _counter(
        "latency_observations",
        "How often a step was timed.",
        {step: one.count for step, one in steps.items()},
        ("step",),
    )
    for what, seconds in status.reached.items():
        name = what.removesuffix("_s")
        yield _gauge(f"start_{name}_seconds", f"Start of the process to {_words(name)}.",
                     {(): seconds})  # fmt: skip


def _parts(status: Status) -> Iterator[Metric]:
    parts = status.parts
    yield _gauge(
        "part_running",
        "1 while a part runs.",
        {p: int(o.runs) for p, o in parts.items()},
        ("part",),
    )
    yield _counter(
        "part_restarts", "Restarts of a part.", {p: o.restarts for p, o in parts.items()}, ("part",)
    )
    process = status.process
    yield _gauge("memory_bytes", "Resident memory of the daemon.", {(): process.memory_bytes})
    yield _gauge("threads", "Threads of the daemon.", {(): process.threads})
    yield _gauge("open_files", "Open files of the daemon.", {(): process.open_files})
    yield _gauge(
        "started_timestamp_seconds", "When it was started.", {(): status.started_at.timestamp()}
    )


_Values = Mapping[Any, float]
"""Values by their one label, or by a tuple of labels."""


def _gauge(name: str, title: str, values: _Values, labels: tuple[str, ...] = ()) -> Metric:
    family = GaugeMetricFamily(f"plateward_{name}", title, labels=labels)
    return _filled(family, values)


def _counter(name: str, title: str, values: _Values, labels: tuple[str, ...] = ()) -> Metric:
    family = CounterMetricFamily(f"plateward_{name}", title, labels=labels)
    return _filled(family, values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: _Values) -> Metric:
    for label, value in values.items():
        family.add_metric((label,) if isinstance(label, str) else label, value)
    return family


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
