"""The same push, with everything that the server knows in PostgreSQL."""

import runpy
from pathlib import Path

from stage import own_database, proved

own_database()
told = runpy.run_path(str(Path(__file__).with_name("push_to_deploy.py")))
assert not (told["server"].data / "headworks.db").exists()
proved("with PostgreSQL there is no database in the data folder, and the story is the same")
