"""Public estimates and measurements."""
