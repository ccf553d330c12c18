"""The same push, with everything that the server knows in PostgreSQL."""

import atexit
import os
import runpy
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from stage import proved, skip

server = os.environ.get("HEADWORKS_TEST_POSTGRES")
if not server:
    skip("HEADWORKS_TEST_POSTGRES names no PostgreSQL (cargo xtask test starts one)")
if not shutil.which("psql"):
    skip("there is no psql to make a database with (apt-get install postgresql-client)")


def psql(statement: str):
    done = subprocess.run(["psql", server, "-qc", statement], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


name = f"story_{os.getpid()}"
psql(f"CREATE DATABASE {name}")
# Registered before the story's own, so it runs after the server's end.
atexit.register(psql, f"DROP DATABASE {name} WITH (FORCE)")
os.environ["HEADWORKS_DATABASE"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
told = runpy.run_path(str(Path(__file__).with_name("push_to_deploy.py")))
assert not (told["server"].data / "headworks.db").exists()
proved("with PostgreSQL there is no database in the data folder, and the story is the same")
