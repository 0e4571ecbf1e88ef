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


def send(
    *, port: int, clients: int, requests: Sequence[Asked], per_second: float = 0.0, seconds: float = SECONDS_TO_END
) -> Load:
    """Send each request once, over that many connections at a time, from another process.

    :param per_second: so many at most, where it is given; who falls behind sends the next at once
    :param seconds: what was not sent by then is not sent, and not reported
    """
    plan = {
        "port": port,
        "clients": clients,
        "requests": [asdict(request) for request in requests],
        "per_second": per_second,
        "seconds": seconds,
    }
    done = subprocess.run(  # nosec B603
        [sys.executable, "-m", "bench.client"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_END,
        check=True,
    )
    return Load(**json.loads(done.stdout))


def run(port: int, clients: int, requests: Sequence[Asked], per_second: float, seconds: float) -> Load:
    """Send them; the clock starts when every connection stands."""
    sent = deque(enumerate(request.as_bytes() for request in requests))
    count = len(sent)
    milliseconds, statuses, bodies = [0.0] * count, [0] * count, [""] * count
    gate = threading.Barrier(min(clients, count) + 1)
    pause = 1 / per_second if per_second else 0.0

    def work() -> None:
        connection = Connection(port)
        gate.wait()
        opened = time.perf_counter()
        while sent and time.perf_counter() - opened < seconds:
            try:
                place, content = sent.popleft()
            except IndexError:
                break
            time.sleep(max(0.0, opened + place * pause - time.perf_counter()))
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
    taken = time.perf_counter() - began
    count -= len(sent)
    return Load(seconds=taken, milliseconds=milliseconds[:count], statuses=statuses[:count], bodies=bodies[:count])


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
    load = run(plan["port"], plan["clients"], requests, plan["per_second"], plan["seconds"])
    json.dump(asdict(load), sys.stdout)
