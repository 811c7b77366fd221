"""Energy of a log, from the counts of its parts."""

from math import inf
from pathlib import Path

import pandas as pd
from _logged import run
from _requests import log_of, opened, stored
from _runs import read_background, read_runs, with_renamed
from _setups import read_materials, read_shared
from inference_energy.deployments import build as deployment_build
from inference_energy.deployments.answers import assumptions
from inference_energy.deployments.files import stated_facts, unusual_among
from inference_energy.drawing import save_all
from inference_energy.method.build import build
from inference_energy.reports import to_html, told
from inference_energy.requests import answers, contexts, counts, figures, groups, largest, usable
from inference_energy.requests.energies import Serving, energies, steps
from inference_energy.requests.files import ASSUMPTIONS
from inference_energy.requests.log import describe
from inference_energy.requests.page import page
from inference_energy.requests.progress import telling
from inference_energy.tables import read_table, write_table, write_text

GROUPS = {"by_hour": "hours", "by_tenant": "tenants"}
"""Tables of counts by what tables of the answer are made of them."""

LARGE = [*GROUPS.values(), "flight", "moments", "alike", "states", "hops"]
"""Tables of counts that can be many rows and are added up by DuckDB alone."""


def read_serving(read, params):
    """Return what serves the log, the method whose query is set beside it, the assumptions behind
    a deployment, None of a method, and what its GPUs give one request at most [tokens/s].
    """
    materials = read_materials(read)
    reference = build(params.reference, **materials(params.reference))
    if params.deployment is None:
        names = params.log.get("form", {}).get("models", {})
        setup = build(params.method, **materials(params.method))
        serving = Serving.of_method(setup, names, read_table(read.models, "models"))
        return serving, reference, None, inf
    method, where = (params.deployment[key] for key in ("method", "path"))
    benchmarks, own = params.deployment["benchmarks"], method["deployment"].get("facts", {})
    deployment = deployment_build.build(
        method,
        read_runs(benchmarks, own),
        where,
        background=read_background(read),
        **read_shared(read),
    )
    facts = stated_facts(benchmarks, own, where)
    method = with_renamed(method, benchmarks, where)
    behind = assumptions(method, params.deployment["stated"], deployment, facts)
    return Serving.of_deployment(deployment), reference, behind, deployment.fastest


def count_over_served(counted, read, params):
    """Add to the kinds the requests that are longer than the context of a deployment's model."""
    # of a day that is drawn the models are known
    if params.deployment is None or "files" not in params.log:
        return
    served = params.deployment["method"]["deployment"]["model"]
    models = read_table(read.models, "models")
    count = contexts.over_served(counted["lengths"], served, stored(params.log), models)
    more = pd.DataFrame({"kind": [counts.OVER_SERVED], "n": [count]})
    counted["kinds"] = pd.concat([counted["kinds"], more], ignore_index=True)


def count_faster_served(counted, fastest):
    """Add to the kinds the requests that are faster than the GPUs of a deployment give one."""
    count = usable.faster_than(counted["kinds"], fastest)
    more = pd.DataFrame({"kind": [counts.FASTER_SERVED], "n": [count]})
    counted["kinds"] = pd.concat([counted["kinds"], more], ignore_index=True)


def count_holding_input(counted):
    """Add to the kinds the requests whose output seems to hold their input."""
    count = usable.holding_input(counted["lengths"])
    more = pd.DataFrame({"kind": [counts.HOLDS_INPUT], "n": [count]})
    counted["kinds"] = pd.concat([counted["kinds"], more], ignore_index=True)


def check_usable(connection, serving, counted, params):
    """Refuse a log of which too many rows, or times by which its load is measured, cannot be read;
    return whether the energy depends on a load.
    """
    columns = params.log.get("form", {}).get("columns", {})

    def column(file, name):
        """Tell what a file calls a column of a requests view."""
        of = {"finish": "end" if "end" in columns else "duration"}.get(name, name)
        known = describe(connection, file, params.log["kind"])
        return contexts.column_told(columns[of], known)

    names = answers.model_names(counted["lengths"]["model"])
    knows_load = any(map(serving.knows_load, names))
    found = counted["kinds"], counted["examples"], column
    usable.refuse_lost(*found)
    if knows_load and params.load["load"] == "measured":
        usable.refuse_untimed(*found)
    return knows_load


def gather(connection, read, surplus, one_in):
    """Add up the counts of all parts, less the duplicates; return them as frames, without the
    ``LARGE`` ones, which stay where they are.
    """
    counts.create_tables(connection)
    tables = [name for name in (*counts.TABLES, *counts.LISTS) if name not in LARGE]
    counts.read_tables(connection, {name: read[name] for name in tables})
    counts.count_order_between_units(connection)
    if surplus:
        repeated = {name: [surplus[name]] for name in tables}
        told = {name: repeated.pop(name) for name in ("kinds", "examples")}
        counts.read_tables(connection, repeated, sign=-1)
        counts.read_tables(connection, told)
    counts.count_no_output(connection)
    for name in LARGE:
        less = [surplus[name]] if surplus else []
        counts.view_table(connection, name, read[name], less)
    counts.count_alike(connection, one_in)
    # of one part they are added up
    summed = counts.TABLES.keys() & tables if surplus or len(read.kinds) > 1 else ["kinds"]
    counts.sum_tables(connection, sorted(summed))
    return counts.frames(connection, tables)


def list_largest(connection, log, serving, lengths, least, say):
    """Read the log again for its largest requests, ``least`` as from ``choose``; return a table."""
    found, shortest = None, min(one["mean_output"] for one in least)
    for number, unit in enumerate(log.units):
        say("largest requests", number, len(log.units))
        file = getattr(unit, "file", "")
        log.view(unit, shortest)
        found = largest.collect(connection, serving, least, file, found)
    say("largest requests", len(log.units), len(log.units))
    return largest.table(found, serving, answers.model_names(lengths["model"]))


def at_load(connection, serving, counted, params, say):
    """Return what serves the log at its load, and as measured what is in flight, by hour and by
    model; None for both where the log lacks starts or ends.
    """
    models = counted["lengths"]["model"]
    flying = measured = None
    if {"start", "finish"} <= set(params.stated):
        say("requests in flight")
        hours = connection.execute("SELECT DISTINCT hour FROM hours ORDER BY ALL").df()["hour"]
        flying, measured = answers.measured_loads(serving, connection, models.unique(), hours)
    return serving.at(answers.loads(params.load, models, measured)), flying, measured


def groups_charged(connection, serving, lengths, table, params):
    """Return the sums of hours and tenants by the tables of the answer that there are of them."""
    asked = {told: name for told, name in GROUPS.items() if told in params.tables}
    if not asked:
        return {}
    of_cells = answers.rates(serving, lengths, table)
    return {told: groups.charged(connection, name, of_cells) for told, name in asked.items()}


def tell(serving, reference, counted, charged, params, flying, measured):
    """Return the tables of the answer that the counts tell, by name; ``charged``: their energies
    by row, by steps, and by hour and tenant.
    """
    lengths, settings, (table, found, grouped) = counted["lengths"], params.settings, charged
    by_model = answers.by_model(serving, lengths, table)
    whole = by_model["energy_wh_p50"].iloc[0]
    long_from = settings["long_from"]["value"]
    kinds = answers.kinds(counted["kinds"], counted["rises"])
    files = params.log.get("files", [])
    tables = {
        "by_model": by_model,
        "percentiles": answers.percentiles(serving, found),
        "parts": answers.parts(serving, lengths, table),
        "long_requests": answers.long_against_rest(serving, lengths, table, long_from),
        "medians": answers.medians(serving, reference, params.reference["title"], lengths, found),
        "kinds": kinds,
        "examples": answers.examples(counted["examples"], files, kinds),
    }
    if "load" in params.tables:
        tables["load"] = answers.load_table(serving, lengths, table, measured)
    if "by_hour" in grouped:
        tables["by_hour"] = answers.by_hour(serving, grouped["by_hour"], whole, flying)
    if "by_tenant" in grouped:
        named = settings["name_tenants"]
        tables["by_tenant"] = answers.by_tenant(serving, grouped["by_tenant"], whole, named)
    return tables


def draw(serving, found, tables):
    """Return the figures by name."""
    drawn = {
        "distribution": figures.distribution(serving, found, tables["medians"], answers.LARGEST),
        "parts": figures.parts(tables["parts"]),
    }
    return drawn | ({"hours": figures.hours(tables["by_hour"])} if "by_hour" in tables else {})


def write(output, params, tables, drawn, markdown):
    """Write tables, figures and the page."""
    for name in params.tables:
        schema = name if name == ASSUMPTIONS else f"requests_{name}"
        write_table(tables[name], output[name], schema)
    save_all(drawn, output.figures)
    images = {
        Path(path).stem: Path(path).read_bytes() for path in output.figures if path.endswith("svg")
    }
    text = told(markdown, Path(output.page).parent)
    write_text(output.page, text)
    write_text(output.html, to_html(params.title, text, images))


def main(snakemake):
    """Gather, compute everything, say how far it is, then write."""
    read, params = snakemake.input, snakemake.params
    serving, reference, behind, fastest = read_serving(read, params)
    with opened(snakemake) as (connection, folder), telling(connection.query_progress) as say:
        say("adding up the counts")
        surplus = {Path(path).stem: path for path in getattr(read, "duplicates", [])}
        counted = gather(connection, read, surplus, params.log.get("one_in", 1))
        lengths = counted["lengths"]
        knows_load = check_usable(connection, serving, counted, params)
        answers.check_any(lengths, counted["kinds"], params.format)
        count_over_served(counted, read, params)
        count_faster_served(counted, fastest)
        count_holding_input(counted)
        serving, flying, measured = at_load(connection, serving, counted, params, say)
        say("energies of all lengths")
        table, found = energies(serving, lengths), steps(serving, lengths)
        free = answers.free(lengths, table, params.title)
        say("energies of hours and tenants")
        grouped = groups_charged(connection, serving, lengths, table, params)
        log = log_of(snakemake, connection, folder)
        repeated = surplus.get("surplus")
        least = largest.choose(connection, answers.candidates(serving, lengths, table), repeated)
        tables = {"largest": list_largest(connection, log, serving, lengths, least, say)}
        charged = table, found, grouped
        tables |= tell(serving, reference, counted, charged, params, flying, measured)
    unusual = []
    if behind is not None:
        tables[ASSUMPTIONS] = behind
        unusual = unusual_among(behind)
    markdown = page(
        *(params.title, tables, table, params.settings, params.load, params.left_out),
        power_measured=params.deployment is not None,
        rows_of_many="requests" in params.stated,
        knows_load=knows_load,
        zone_hours=usable.zone_hours(counted["kinds"]),
        read_by=(params.format, params.stated),
        unusual=unusual,
        fastest=fastest,
        free=free,
    )
    write(snakemake.output, params, tables, draw(serving, found, tables), markdown)


if __name__ == "__main__":
    run(main, snakemake)
