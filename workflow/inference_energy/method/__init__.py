"""A methodology, from its file to the objects that the engines work with."""
