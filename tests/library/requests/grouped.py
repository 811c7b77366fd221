"""Hours and tenants of counts that are frames."""

import duckdb
from inference_energy.requests import answers, groups


def charged(serving, counts, table, name):
    """Sums of the groups of a table of counts; ``table``: energies of the lengths."""
    with duckdb.connect() as connection:
        connection.register(name, counts[name])
        of_cells = answers.rates(serving, counts["lengths"], table)
        return groups.charged(connection, name, of_cells)


def by_hour(serving, counts, table, whole=1.0):
    """Energy of every hour."""
    return answers.by_hour(serving, charged(serving, counts, table, "hours"), whole)


def by_tenant(serving, counts, table, named, whole=1.0):
    """Energy of every tenant."""
    return answers.by_tenant(serving, charged(serving, counts, table, "tenants"), whole, named)
