"""The two versions of the paper, and what they are built from."""

from repository import METHODS, PAPER_TABLE, read

V1, V2 = METHODS["oviedo2025"], METHODS["oviedo2026"]
PAPER = read(PAPER_TABLE, "throughput")


def paper(method):
    """Return what every method here is built from."""
    return {"table": PAPER}
