"""Settings for all tests."""

import os

# As in the workflow: threads of the numeric libraries would only compete on a busy machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from hypothesis import settings  # noqa: E402

# The same examples in every run, and no verdict on a busy machine's speed.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
