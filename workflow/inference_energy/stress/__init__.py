"""A live server."""
