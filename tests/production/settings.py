"""Which names of the environment a real shop reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.production.manifests import ROOT

# Imports the settings and says which names of the environment they asked for.
RECORDER = """
import json, os

class Recording(type(os.environ)):
    asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

os.environ.__class__ = Recording
import config.settings.production
os.environ["DJANGO_SETTINGS_MODULE"]
print(json.dumps(sorted(Recording.asked)))
"""


def names_asked_for(environment: dict[str, str]) -> set[str]:
    """Boot the settings of production with this environment and nothing else; return all that they looked for in it."""
    words = [sys.executable, "-c", RECORDER]
    system = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, env=system | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))
