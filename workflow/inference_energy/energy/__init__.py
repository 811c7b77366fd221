"""Energy of queries: the equation and the engines."""
