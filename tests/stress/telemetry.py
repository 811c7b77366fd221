"""A local endpoint that serves made-up GPUs in the DCGM exporter's text format.

The power of each GPU is a known function of time and its energy counter is the integral of that
function, so the energy of any window is known in closed form.
"""

import math
import threading
import time
from collections.abc import Collection
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PERIOD = 7.0
MEAN_W = 300.0
SWING_W = 100.0
MOST_W = MEAN_W + 10 + SWING_W
STEEPEST = SWING_W * 2 * math.pi / PERIOD
"""Highest power [W] of the first two GPUs, and how fast it changes at most [W/s]."""

GAUGES = {
    "DCGM_FI_DEV_MEM_COPY_UTIL": 40,
    "DCGM_FI_DEV_FB_USED": 60000,
    "DCGM_FI_DEV_SM_CLOCK": 1755,
    "DCGM_FI_DEV_GPU_TEMP": 55,
    "DCGM_FI_DEV_XID_ERRORS": 0,
    "DCGM_FI_DEV_POWER_VIOLATION": 0,
}


def power(gpu: int, now: float) -> float:
    """Power of GPU number `gpu` at Unix time `now` [W]."""
    return MEAN_W + 10 * gpu + SWING_W * math.sin(2 * math.pi * now / PERIOD)


def energy(gpu: int, start: float, end: float) -> float:
    """Energy of GPU number `gpu` between two Unix times [J]: the integral of `power`."""
    swing = SWING_W * PERIOD / (2 * math.pi)
    phase = 2 * math.pi / PERIOD
    return (MEAN_W + 10 * gpu) * (end - start) - swing * (
        math.cos(phase * end) - math.cos(phase * start)
    )


class Telemetry:
    """Serve made-up GPUs on a free port of the loopback interface while in a `with` block.

    Parameters
    ----------
    gpus : int
        How many.
    utilisation : int
        Of each of them at all times [%]: unless given, neither busy before a test nor unused in it.
    port : int
        Its own choice unless given.
    dead : bool
        Whether the last GPU reads 0 W and its counter stands still.
    refresh : float
        Time after which the readings change [s]; 0 for at once.
    lost : collection of int
        Numbers of the questions that it fails to answer, from 1.
    """

    def __init__(
        self,
        gpus: int,
        utilisation: int = 3,
        port: int = 0,
        dead: bool = False,
        refresh: float = 0.0,
        lost: Collection[int] = (),
    ):
        self.gpus, self.dead, self.refresh = gpus, dead, refresh
        self.asked = 0
        self.gauges = GAUGES | {"DCGM_FI_DEV_GPU_UTIL": utilisation}
        self.started = time.time()
        self.served = {}
        """When each count of the first GPU's counter was read [s], by count [mJ]."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                if outer.asked in lost:
                    self.send_error(503)
                    return
                body = outer.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"

    def text(self) -> str:
        """The metrics now, as a DCGM exporter writes them (energy in mJ since start)."""
        now = time.time()
        if self.refresh:
            now -= now % self.refresh
        lines = []

        def put(name, values):
            lines.append(f"# TYPE {name} gauge")
            for gpu, value in enumerate(values):
                lines.append(
                    f'{name}{{gpu="{gpu}",UUID="GPU-{gpu:08d}",device="nvidia{gpu}",'
                    f'modelName="NVIDIA H100 80GB HBM3",Hostname="node"}} {value}'
                )

        watts = [power(gpu, now) for gpu in range(self.gpus)]
        counts = [round(1000 * energy(gpu, self.started, now)) for gpu in range(self.gpus)]
        self.served[counts[0]] = now
        if self.dead:
            watts[-1] = counts[-1] = 0
        put("DCGM_FI_DEV_POWER_USAGE", watts)
        put("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", counts)
        for name, value in self.gauges.items():
            put(name, [value] * self.gpus)
        return "\n".join(lines) + "\n"

    def __enter__(self):
        # often, so that it ends as soon as it is told to
        serve = partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()
