import time

import pytest

from tests.journeys.world import *


@pytest.mark.django_db
def test_x(settings, tmp_path):
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    t = time.time()
    w = World()
    print("world", time.time() - t)
    t = time.time()
    for op in operations():
        with undone():
            a = w.ask(op)
            if a.status_code >= 300:
                print(op.name, a.status_code, a.content[:300])
    print("all", time.time() - t)
    assert 0
