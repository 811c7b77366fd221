"""Throughput of a node as a function of the lengths."""
