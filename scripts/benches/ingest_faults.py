"""Send one unit's many reads, doubled and in disorder, through ingest processes that are killed.

It ends when the receipts say that every read is committed, and then counts what is there. With
three processes one after the other is killed (SIGKILL) and started again, at `--kills` moments.
The broker is a real mosquitto, the database a PostgreSQL of its own unless `--dsn` names an empty
one. The exit status is 1 if a read is missing or there twice, or if anything was set aside.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
from sqlalchemy import func, select

from benches._killed_ingest import Reads, ingest_processes, send_all
from benches._mosquitto import LONG_QUEUES, mosquitto
from benches._postgresql import postgresql
from benches._unit_batches import AGENCY
from demo_site.processes import DemoError, free_port
from repository import bootstrap
from repository.settings import load_settings
from repository.store.engine import reading
from repository.store.tables.reads import quarantine, reads
from repository.units import enrolment

EXAMPLE = "Example: scripts/bench ingest_faults --records 1000000 --kills 9 --json"


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--records", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--batch", type=click.IntRange(1, 500), default=250, show_default=True)
@click.option("--processes", type=click.IntRange(1, 9), default=3, show_default=True)
@click.option("--kills", type=click.IntRange(0), default=9, show_default=True)
@click.option("--dsn", help="Address of an empty PostgreSQL database.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(
    records: int,
    batch: int,
    processes: int,
    kills: int,
    dsn: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Do what the options ask for and print what came of it."""
    rng = random.Random(seed)  # noqa: S311 - invented reads
    sent = Reads(records, batch, rng)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-faults-")))
        port = free_port()
        settings = folder / "repository.toml"
        try:
            address = dsn or stack.enter_context(postgresql())
            settings.write_text(f'data = "data"\ndatabase = "{address}"\n[broker]\nport = {port}\n')
            bootstrap.initialise(load_settings(settings))
            services = bootstrap.build(load_settings(settings))
            stack.callback(services.close)
            with services.engine.begin() as connection:
                now = services.clock()
                enrolment.add_agency(connection, name=AGENCY, title="Bench", ori=None, now=now)
                enrolment.add_unit(
                    connection,
                    agency=AGENCY,
                    name="car-1",
                    public_key=sent.key.public_key(),
                    now=now,
                )
            stack.enter_context(mosquitto(folder, port, *LONG_QUEUES))
            with ingest_processes(settings, folder, processes) as at_work:
                moments = sorted(rng.random() for _ in range(kills))
                outcome = send_all(
                    sent, port, services.receipts_key.public_key(), at_work, moments, _say
                )
        except DemoError as error:
            raise click.ClickException(str(error)) from error
        with reading(services.engine) as connection:
            kept, distinct, last = connection.execute(
                select(func.count(), func.count(reads.c.seq.distinct()), func.max(reads.c.seq))
            ).one()
            aside = connection.scalar(select(func.count()).select_from(quarantine))
    report = {
        "records": records,
        "receipted": outcome.receipted,
        "rows": kept,
        "distinct_rows": distinct,
        "last_seq": last,
        "set_aside": aside,
        "messages_sent": outcome.messages_sent,
        "kills": outcome.kills,
        "took_s": round(outcome.took_s, 1),
    }
    if as_json:
        click.echo(json.dumps(report))
    else:
        for name, value in report.items():
            click.echo(f"{name:<14} {value}")
    if (kept, distinct, last, aside) != (records, records, records, 0):
        sys.exit(1)


def _say(words: str) -> None:
    sys.stderr.write(words + "   \r")
    sys.stderr.flush()


if __name__ == "__main__":
    main(prog_name="scripts/bench ingest_faults")
