"""A PostgreSQL of a bench's own, durable as in production, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo_site.processes import DemoError, free_port

DATABASE = "bench"


@contextmanager
def postgresql(settings: str = "shared_buffers=512MB max_wal_size=4GB") -> Iterator[str]:
    """Address of an empty database of a new cluster with these settings.

    Raises:
        DemoError: if PostgreSQL is not installed or does not start.
    """
    binaries = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if not binaries:
        raise DemoError("PostgreSQL is not installed: `apt-get install postgresql`, or give --dsn")
    port = free_port()
    # Directly under the system's temporary folder, and not as root, which PostgreSQL refuses.
    with tempfile.TemporaryDirectory(prefix="bench-pg-") as folder:
        user = "postgres" if os.geteuid() == 0 else None
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = f"{folder}/data"

        def run(program: str, *arguments: str) -> None:
            with tempfile.TemporaryFile() as output:
                done = subprocess.run(
                    [str(binaries[-1] / program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    user=user,
                    extra_groups=[] if user else None,
                    check=False,
                )
                output.seek(0)
                if done.returncode:
                    said = output.read().decode(errors="replace")
                    raise DemoError(f"{program} failed:\n{said}")

        run("initdb", "-D", data, "-U", "plateward", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = " ".join(f"-c {one}" for one in settings.split())
        options += f" -c port={port} -c listen_addresses=127.0.0.1"
        options += f" -c unix_socket_directories={folder}"
        control = ("-D", data, "-w", "-l", f"{folder}/log")
        run("pg_ctl", *control, "-o", options, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "plateward", DATABASE)
            yield f"postgresql+psycopg://plateward@127.0.0.1:{port}/{DATABASE}"
        finally:
            run("pg_ctl", *control, "-m", "immediate", "stop")
            shutil.rmtree(data, ignore_errors=True)
