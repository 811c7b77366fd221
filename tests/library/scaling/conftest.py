"""Methods that the tests of scaling share."""

import pytest
from inference_energy.laws.peak import Peak
from library.scaling.made_up import make_setup


@pytest.fixture
def flat():
    """A method whose throughput does not depend on the lengths."""
    return make_setup(Peak(1000.0, 1))
