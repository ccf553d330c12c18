"""The same fifty executions, jobs, children and pushes under kill -9, with everything that the server knows in PostgreSQL."""

import runpy
from pathlib import Path

from stage import own_database, proved

own_database()
told = runpy.run_path(str(Path(__file__).with_name("kill_pipelines.py")), init_globals={"KILLS": 5})
assert not (told["server"].data / "headworks.db").exists()
proved("with PostgreSQL there is no database in the data folder, and the story is the same")
