"""Published against computed."""
