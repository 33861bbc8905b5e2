"""Run the demo: from a camera's frames to a search on the ledger, through every real part."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from demo_drive.drive import FULL, SHORT, write_drive
from demo_drive.gps_feed import GpsFeed
from demo_drive.track import TrackPoint
from demo_site import site as sites
from demo_site.picture import draw_overview
from demo_site.processes import BIN, DemoError, end, json_command, start, wait_for_line
from demo_site.screen import Screen
from demo_site.site import Site

MARK = ".plateward-demo"
_RUNNING = "running"
_LOSSES = (
    "cameras_failed",
    "records_unfit",
    "pictures_waiting",
    "quarantined",
    "inference_failures",
    "pictures_unreadable",
)
_STATUSES = (0, 3, 4)  # the unit runs, is in trouble, or has ended as it should here
_STARTS_WITHIN_S = 120.0
NOT_WHOLE = 1


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--source", help="Real input: a folder of pictures, a picture, a video, or an address."
)
@click.option("--hotlist", type=click.Path(path_type=Path, exists=True), help="A hot list (CSV).")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-out"),
    show_default=True,
    help="Folder of everything the demo makes; an earlier demo there is replaced.",
)
@click.option("--once", is_flag=True, help="Run to the end of the source without questions.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
@click.option("--short", is_flag=True, help="A drive of a few seconds instead of the whole one.")
def main(
    source: str | None, hotlist: Path | None, out: Path, once: bool, as_json: bool, short: bool
) -> None:
    """Read plates, match them, deliver them, and find one again on the record.

    Without --source a drive is drawn: a street, cars and plates, with a GPS track. Ends with 1
    if anything captured was lost or counted twice, or the ledger does not verify.

    Example: scripts/demo --source ../shared/data/eval/scenes-us --once --json
    """
    screen = Screen()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        folder = _fresh(out.absolute())
        with ExitStack() as stack:
            prepared = stack.enter_context(
                _drawn_drive(folder, short, screen)
                if source is None
                else _real_source(folder, source, hotlist)
            )
            screen.step("a repository, a broker and a unit are set up and enrolled")
            result = _run(prepared, screen)
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    _conclude(prepared, result, screen, out, offer=not once)
    if as_json:
        click.echo(json.dumps(result))
    if not _whole(result):
        sys.exit(NOT_WHOLE)


@dataclass(frozen=True)
class _Prepared:
    """A site that is laid out, its source, and the way that is driven once the unit runs."""

    site: Site
    source: str
    way: Sequence[TrackPoint]
    depart: Callable[[], None]


@contextmanager
def _drawn_drive(folder: Path, short: bool, screen: Screen) -> Iterator[_Prepared]:
    screen.step("drawing a street, cars and plates")
    options = replace(SHORT if short else FULL, started=datetime.now(UTC))
    drive = write_drive(folder / "drive", options)
    with GpsFeed(drive.track, now=lambda: datetime.now(UTC)) as feed:
        site = sites.lay_out(folder / "site", str(drive.video), drive.hotlist, feed.path)
        yield _Prepared(site, str(drive.video), drive.track, feed.depart)


@contextmanager
def _real_source(folder: Path, source: str, hotlist: Path | None) -> Iterator[_Prepared]:
    spec = source
    if "://" not in source and not source.startswith("device:"):
        if not Path(source).exists():
            raise DemoError(f"--source {source}: there is no such folder, picture or video")
        spec = str(Path(source).absolute())
    listed = hotlist.absolute() if hotlist else None
    yield _Prepared(sites.lay_out(folder / "site", spec, listed, None), spec, (), lambda: None)


def _run(prepared: _Prepared, screen: Screen) -> dict[str, Any]:
    site = prepared.site
    events: list[dict[str, Any]] = []
    with sites.running(site):
        screen.step("the unit reads; every line below is on its disk already")
        summary = _run_edge(prepared, events, screen)
        screen.done(
            f"{summary['spooled']} records spooled, {summary['receipted']} receipted by the "
            f"repository, {summary['waiting']} left on the unit"
        )
        session = sites.first_user(site)
        wanted = next((e["plate"] for e in events if e["hits"]), None)
        wanted = wanted or next((e["plate"] for e in events), None)
        if wanted is not None:
            search = [*sites.search_command(site, wanted, session), "--json"]
            found = json_command(search)
            screen.step(f"a named person searches for {wanted}, with purpose, facts and case")
            screen.done(
                f"{len(found['reads'])} found; ledger entry {found['ledger_entry']} was "
                "written before the answer"
            )
        verdict = json_command(site.repository("ledger", "verify", "--json"))
        counts = json_command(site.repository("db", "counts", "--json"))
        settings = str(site.edge_settings)
        asked = [str(BIN / "alpr-edge"), "status", "--settings", settings, "--json"]
        status = json_command(asked, statuses=_STATUSES)
        for part, trouble in status["troubles"].items():
            screen.bad(f"{part}: {trouble['sentence']}")
    return {
        "frames": summary["frames"],
        "reads": summary["reads"],
        "hits": summary["hits"],
        "spooled": summary["spooled"],
        "receipted": summary["receipted"],
        "purged_at_edge": summary["spooled"] - summary["waiting"],
        "stored": counts["records"],
        "quarantined": counts["quarantined"],
        "ledger_ok": verdict["ok"],
        "readings": [
            {
                key: event[key]
                for key in (
                    "file",
                    "frame",
                    "plate",
                    "state",
                    "confidence",
                    "box",
                    "captured_at",
                    "position",
                )
            }
            | {"hits": event["hits"]}
            for event in events
        ],
        "troubles": status["troubles"],
        "stored_reads": counts["reads"],
        "pictures_held": counts["pictures_held"],
        "pictures_waiting": summary["pictures_waiting"],
        "pictures_unreadable": summary["pictures_unreadable"],
        "inference_failures": summary["inference_failures"],
        "cameras_failed": summary["cameras_failed"],
        "records_unfit": summary["records_unfit"],
        "ledger_entries": verdict["size"],
    }


def _run_edge(prepared: _Prepared, events: list[dict[str, Any]], screen: Screen) -> dict[str, Any]:
    """Run the unit to the end of its source; gives its summary."""
    site = prepared.site
    log = site.logs / "edge.log"
    settings = str(site.edge_settings)
    process = start(
        [str(BIN / "alpr-edge"), "run", "--settings", settings, "--once", "--console", "json"],
        log,
        pipe=True,
    )
    summary: dict[str, Any] | None = None
    try:
        wait_for_line(log, _RUNNING, process, _STARTS_WITHIN_S)
        prepared.depart()
        for line in _lines(process, screen):
            said = json.loads(line)
            if said.get("event") == "read":
                events.append(said)
                screen.read(said)
            else:
                summary = said
        process.wait()
    finally:
        end(process)
    if summary is None:
        last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
        raise DemoError(f"the unit ended early: {' '.join(last)} (all of it: {log})")
    return summary


def _lines(process: subprocess.Popen[str], screen: Screen) -> Iterator[str]:
    """What a process prints; an interruption ends its capture and waits for what it still says."""
    if process.stdout is None:
        return
    with process.stdout:
        while True:
            try:
                line = process.stdout.readline()
            except KeyboardInterrupt:
                screen.step("stopping: what is in view is stored, what is stored is delivered")
                process.send_signal(signal.SIGTERM)
                continue
            if not line:
                return
            yield line


def _whole(result: dict[str, Any]) -> bool:
    """Whether everything captured is in the repository exactly once, and the ledger is whole."""
    return bool(
        result["spooled"] == result["receipted"] == result["purged_at_edge"]
        and result["stored"] + result["quarantined"] == result["spooled"]
        and result["stored_reads"] == result["reads"] == len(result["readings"])
        and result["quarantined"] == 0
        and result["pictures_waiting"] == 0
        and result["cameras_failed"] == 0
        and result["records_unfit"] == 0
        and result["ledger_ok"] is True
    )


def _conclude(
    prepared: _Prepared, result: dict[str, Any], screen: Screen, out: Path, *, offer: bool
) -> None:
    if _whole(result):
        screen.done(
            f"nothing lost, nothing counted twice: {result['stored']} records stored, "
            f"{result['pictures_held']} pictures; the ledger verifies ({result['ledger_entries']} "
            "entries)"
        )
    else:
        screen.bad("NOT WHOLE:")
        for key in _LOSSES:
            if result[key]:
                screen.bad(f"  {key.replace('_', ' ')}: {result[key]}")
    way = [(point.latitude_deg, point.longitude_deg) for point in prepared.way]
    picture = draw_overview(prepared.source, result, way, out / "overview.png")
    screen.step("where to look next")
    site = prepared.site
    if picture:
        screen.step(f"  {out / 'overview.png'}: the run in one picture")
    screen.step(f"  {site.logs}: what each program said")
    command = shlex.join(site.repository())
    screen.step(f"  {command} --help: the repository of this demo")
    screen.step(
        f"  act in it with --session-file {site.session}; once it has ended, begin another:"
    )
    screen.step(
        f"  {command} sign-in --user {sites.USER} --password-file {site.password} "
        f"--session-file {site.session}, then one of {site.recovery_codes}"
    )
    if offer:
        screen.step(f"  {command} ledger verify")
        screen.step(f"  {command} purge --dry-run")


def _fresh(out: Path) -> Path:
    """The output folder, empty; only what an earlier demo made is removed."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).exists():
            raise DemoError(f"{out} holds something that no demo made: name another with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()
    return out


if __name__ == "__main__":
    main(prog_name="scripts/demo")
