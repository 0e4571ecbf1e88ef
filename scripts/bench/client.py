"""The load of the flows, in a process of its own: its CPU is not the shop's.

Reads a plan as JSON from standard input, writes what came back as JSON to standard output. Threads, one per connection:
they wait for the server nearly all the time.
"""

from __future__ import annotations

import json
import subprocess  # nosec B404: runs this very file
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.http import Asked, Connection

SECONDS_TO_END = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came back: per request, in the order of the plan, its milliseconds, status and body."""

    seconds: float
    milliseconds: list[float]
    statuses: list[int]
    bodies: list[str]


def send(*, port: int, clients: int, requests: Sequence[Asked]) -> Load:
    """Send each request once, over that many connections at a time, from another process."""
    plan = {"port": port, "clients": clients, "requests": [asdict(request) for request in requests]}
    done = subprocess.run(  # nosec B603
        [sys.executable, "-m", "bench.client"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_END,
        check=True,
    )
    return Load(**json.loads(done.stdout))


def run(port: int, clients: int, requests: Sequence[Asked]) -> Load:
    """Send them all; the clock starts when every connection stands."""
    sent = deque(enumerate(request.as_bytes() for request in requests))
    count = len(sent)
    milliseconds, statuses, bodies = [0.0] * count, [0] * count, [""] * count
    gate = threading.Barrier(min(clients, count) + 1)

    def work() -> None:
        connection = Connection(port)
        gate.wait()
        while sent:
            try:
                place, content = sent.popleft()
            except IndexError:
                break
            began = time.perf_counter()
            answer = connection.ask(content)
            milliseconds[place] = (time.perf_counter() - began) * 1000
            statuses[place], bodies[place] = answer.status, answer.body.decode(errors="replace")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(min(clients, count))]
    for thread in threads:
        thread.start()
    gate.wait(timeout=SECONDS_TO_END)
    began = time.perf_counter()
    for thread in threads:
        thread.join(timeout=SECONDS_TO_END)
    return Load(seconds=time.perf_counter() - began, milliseconds=milliseconds, statuses=statuses, bodies=bodies)


def tokens_of(load: Load) -> list[str]:
    """Return the tokens of the carts that came back.

    :raises ValueError: something else came back
    """
    refused = [body for status, body in zip(load.statuses, load.bodies, strict=True) if status not in {200, 201}]
    if refused:
        raise ValueError(f"{len(refused)} of {len(load.statuses)} refused, such as {refused[0][:300]}")
    return [json.loads(body)["token"] for body in load.bodies]


if __name__ == "__main__":
    plan = json.load(sys.stdin)
    requests = [Asked(**request) for request in plan["requests"]]
    json.dump(asdict(run(plan["port"], plan["clients"], requests)), sys.stdout)
