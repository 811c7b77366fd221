"""Two methods, or two revisions."""
