"""Stands in for an engine on a GPU where a kit is tried: ``gpu_machine.py PORT TELEMETRY_PORT``."""

import signal
import sys

from servers import Server
from telemetry import Telemetry

GPUS = 1


def main(port, telemetry_port):
    """Serve a model and the telemetry of its GPU until told to end."""
    with Server(gap=0.01, port=port), Telemetry(GPUS, utilisation=90, port=telemetry_port):
        signal.sigwait([signal.SIGTERM, signal.SIGINT])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    main(*map(int, sys.argv[1:]))
