"""What the tests of scenarios share."""

import pytest
from inference_energy.laws.peak import Peak
from library.scaling.made_up import make_setup
from repository import read


@pytest.fixture
def flat():
    """A method whose throughput does not depend on the lengths."""
    return make_setup(Peak(1000.0, 1))


@pytest.fixture
def facility():
    return read("data/facility.csv", "facility")


@pytest.fixture
def settings():
    """Two tasks, one of twice the output, a grid, a field and a line."""
    lengths = {"input_tokens": 500, "output_tokens": 300}
    return {
        "methods": ["flat"],
        "grids": ["ember-germany-2023"],
        "tasks": [
            {"name": "short", **lengths, "source": "assumption"},
            {"name": "long", **lengths, "output_tokens": 600, "source": "assumption"},
        ],
        "maps": [
            {
                "name": "field",
                **lengths,
                "x": {"input": "pue", "values": [1.0, 2.0]},
                "y": {"input": "output_tokens", "values": [300, 600]},
            },
            {"name": "line", **lengths, "x": {"input": "node_power", "values": [10.0, 20.0]}},
        ],
    }
