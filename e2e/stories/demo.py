"""The newcomer's first command: `headworks demo --once` ends with 0 and shows the deployed result."""

import os
import subprocess
import tempfile

from stage import ROOT, binary, proved

with tempfile.TemporaryDirectory(prefix="headworks-story-") as home:
    done = subprocess.run(
        [binary(), "demo", "--once"], cwd=ROOT, env={**os.environ, "HOME": home},
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
shown = done.stdout + done.stderr
for part in ("Source", "Build", "Approve", "Publish", "From push to page"):
    assert part in shown, f"{part!r} is not shown:\n{shown}"
proved("the demo pushes, builds, approves, deploys and shows the page")
