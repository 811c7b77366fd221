"""Every figure of the repository, drawn again from the committed tables."""

import re
from functools import cache

from inference_energy.claims.figures import claims_chart
from inference_energy.coefficients.figures import by_load
from inference_energy.comparison.figures import draw as waterfall
from inference_energy.deployments import answers
from inference_energy.deployments import build as deployments_build
from inference_energy.deployments import figures as deployment_figures
from inference_energy.deployments import files as deployment_files
from inference_energy.energy.exact import token_statistics
from inference_energy.evidence import figures as evidence_figures
from inference_energy.evidence.estimates import ABSTRACT, LIKE, PAPER
from inference_energy.laws.figures import predicted_at_load, predicted_over_measured
from inference_energy.method.build import build
from inference_energy.paper import figures as paper_figures
from inference_energy.peers.figures import factor_by_load
from inference_energy.power import figures as power_figures
from inference_energy.power.wall import ALLOWED
from inference_energy.readers import detect_and_read
from inference_energy.robustness import figures as robustness_figures
from inference_energy.scaling import figures as scaling_figures
from inference_energy.scaling.counter_signal import claimed_energy
from inference_energy.stress import figures as stress_figures
from inference_energy.stress import own_node
from inference_energy.stress.impact import predicted_ratios
from repository import (
    METHOD_FILES,
    METHODS,
    PAPER_TABLE,
    ROOT,
    read,
    read_multiverse,
    read_schema,
    read_yaml,
)

VECTOR, RASTER = ".svg", ".png"


def names():
    """Paths of all figures below figures/ and results/, without ending."""
    files = [path for top in ("figures", "results") for path in (ROOT / top).rglob("*")]
    figures = {path.with_suffix("") for path in files if path.suffix in (VECTOR, RASTER)}
    return sorted(path.relative_to(ROOT).as_posix() for path in figures)


def draw(name):
    """Draw the figure of a path without ending, as in :func:`names`."""
    folder, _, stem = name.rpartition("/")
    return draw_folder(folder)[stem]


@cache
def draw_folder(folder):
    """Draw all figures of a folder, by the names of their files."""
    for pattern, drawn in FOLDERS.items():
        if found := re.fullmatch(pattern, folder):
            return drawn(*found.groups())
    raise KeyError(f"{folder}: tests/redraw.py draws no figure of this folder")


def read_method(method):
    """Tables of a method by name, what they are held against, and the method itself."""
    names = ("blend", "claims", "crossing", "densities", "energy_per_query", "fleet", "footprint")
    names += ("histograms", "output_tokens", "scaling", "sensitivity", "uncertainty")
    tables = {name: read(f"results/{method}/{name}.csv", name) for name in names}
    tables["references"] = read("data/published/references.csv", "references")
    tables["published"] = read("data/published/claims.csv", "claims_published")
    tables["method"] = read_yaml(f"results/{method}/method.yaml")
    return tables


def draw_method(method):
    """Figures of one method."""
    t = read_method(method)
    energy, densities, own = t["energy_per_query"], t["densities"], t["method"]
    published = t["published"]
    shown = (energy, densities, own)
    fleet = (t["fleet"], t["references"], own, published)
    figures = {
        "3a": paper_figures.fleet_baseline(*fleet),
        "3b": paper_figures.fleet_mixed(*fleet),
        "s1": paper_figures.token_distributions(t["histograms"], t["output_tokens"]),
        "s2": paper_figures.pathway_histograms(t["histograms"], energy, densities, own),
        "s3": paper_figures.input_length(t["sensitivity"]),
        "s4": paper_figures.utilisation_coupling(energy, t["sensitivity"]),
        "claims": claims_chart(t["claims"], t["published"]),
        "scaling": scaling_figures.scaling(t["scaling"], t["crossing"]),
        "footprint": scaling_figures.footprint(t["footprint"]),
        "uncertainty": robustness_figures.variance_shares(t["uncertainty"]),
    }
    for number, regime in (("1", "traditional"), ("2", "long")):
        figures[f"{number}a"] = paper_figures.energy_by_model(
            energy, densities, own, t["blend"], regime, published
        )
        figures[f"{number}b"] = paper_figures.energy_by_pathway(*shown, regime, published)
    return figures


def draw_comparisons():
    """Waterfall of every comparison."""
    figures = {}
    for path in (ROOT / "results" / "comparison").glob("*.csv"):
        base, _, head = path.stem.partition("..")
        figures[path.stem] = waterfall(read(path, "comparison"), base, head)
    return figures


def band(settings):
    """Stated range of the ratios of public estimates to the paper."""
    return settings["overestimate_band"]["lower"], settings["overestimate_band"]["upper"]


def draw_validation():
    """Figures of measurements and laws by themselves."""
    settings = read_yaml("config/evidence.yaml")
    runs = read("data/measured/mlenergy_v3.csv", "mlenergy")
    predictions = read("results/validation/law_predictions.csv", "law_predictions")
    power = {
        name: read(f"results/validation/power_{name}.csv", f"power_{name}")
        for name in ("predictions", "law", "wall")
    }
    rated = read("data/gpus.csv", "gpus").set_index("gpu")["tdp_w"]
    at_load = read("results/validation/load_predictions.csv", "load_predictions")
    return {
        "load": predicted_at_load(at_load, "models left out"),
        "peers": factor_by_load(read("results/validation/peers.csv", "peers")),
        "concurrency": evidence_figures.concurrency(runs, band(settings), settings["near_best"]),
        "throughput_laws": predicted_over_measured(predictions),
        "coefficients": by_load(read("results/coefficients.csv", "coefficients")),
        "power_by_load": power_figures.power_by_load(power["predictions"], power["law"], rated),
        "power_at_wall": power_figures.power_at_wall(power["wall"], ALLOWED),
    }


def draw_evidence(method):
    """Figures of a method beside public evidence."""
    limits = band(read_yaml("config/evidence.yaml"))
    names = ("overestimates", "decomposition", "predicted", "wall_utilisation", "length_quantiles")
    t = {name: read(f"results/validation/{method}/{name}.csv", name) for name in names}
    utilisation = build(METHODS[method], read(PAPER_TABLE, "throughput")).power_utilisation
    ratios = t["overestimates"]
    return {
        "overestimates_paper": evidence_figures.forest(ratios, PAPER, limits),
        "overestimates_abstract": evidence_figures.forest(ratios, ABSTRACT, limits),
        "overestimates_like_for_like": evidence_figures.forest(ratios, LIKE, limits),
        "decomposition": evidence_figures.decomposition(t["decomposition"], ratios, limits),
        "predicted": evidence_figures.predicted(t["predicted"]),
        "wall_utilisation": evidence_figures.wall_utilisation(t["wall_utilisation"], utilisation),
        "length_quantiles": evidence_figures.length_quantiles(t["length_quantiles"]),
    }


def draw_audit():
    """Specification curve, tornado and counter-signal."""
    audit = {
        name: read(f"results/audit/{file}.csv", name)
        for name, file in (
            ("specification_curve", "specification_curve"),
            ("multiverse_distribution", "multiverse_distribution"),
            ("multiverse_variance", "multiverse_variance"),
            ("tornado", "tornado"),
            ("sobol_indices", "sobol_indices"),
            ("counter_signal", "counter_signal"),
        )
    }
    multiverse = read_multiverse()
    signal = read_yaml("config/scaling.yaml")["counter_signal"]
    estimates = read("data/published/estimates.csv", "estimates")
    return {
        "specification_curve": robustness_figures.specification_curve(
            audit["specification_curve"],
            audit["multiverse_distribution"],
            audit["multiverse_variance"],
            multiverse["choices"],
            robustness_figures.name_of(METHODS[multiverse["base"]]),
        ),
        "tornado": robustness_figures.tornado(
            audit["tornado"],
            audit["sobol_indices"],
            read_yaml("config/sensitivity.yaml")["inputs"],
        ),
        "counter_signal": scaling_figures.counter_signal(
            {name: read(f"results/{name}/scaling.csv", "scaling") for name in signal["panels"]},
            audit["counter_signal"],
            read("data/published/token_counts.csv", "token_counts"),
            claimed_energy(estimates, signal["estimate"])[0],
            signal["utilisation"]["values"],
        ),
    }


def draw_deployment(name):
    """Figures of a deployment that ships as an example."""
    path = f"config/deployments/{name}.yaml"
    schemas = {schema: read_schema(schema) for schema in ("method", "deployment", "facts")}
    method = deployment_files.resolve(read_yaml(path), name, path, METHOD_FILES, schemas)
    section = method["deployment"]
    runs = detect_and_read(ROOT / "config/deployments" / section["benchmarks"], section["facts"])
    deployment = deployments_build.build(method, runs, path)
    reference = read("results/oviedo2026/energy_per_query.csv", "energy_per_query")
    energy = answers.energy_per_query(deployment, reference, "oviedo2026")
    tokens = {name: token_statistics(regime) for name, regime in deployment.regimes.items()}
    return {
        "energy": deployment_figures.energy_beside_paper(energy),
        "measured": deployment_figures.measured(deployment, tokens),
    }


def draw_own_node(test):
    """Figures of a stress test that the project ran."""
    tables = {name: read(f"data/measured/own_node/{name}.csv", schema) for name, schema in OWN_NODE}
    own = {name: table[table["test"] == test] for name, table in tables.items()}
    named = own_node.measured_tables(own["cells"], own["timeline"])
    for name in ("energy", "ratio", "predicted"):
        named[name] = read(f"results/own_node/{test}/{name}.csv", f"stress_{name}")
    named["forecasts"] = predicted_ratios(named["predicted"], named["ratio"])
    return stress_figures.draw(named)


OWN_NODE = (("cells", "own_node"), ("timeline", "own_node_timeline"))
FOLDERS = {
    r"figures/audit": draw_audit,
    r"figures/comparison": draw_comparisons,
    r"figures/validation": draw_validation,
    r"figures/validation/(.+)": draw_evidence,
    r"results/deployments/(.+)": draw_deployment,
    r"results/own_node/(.+)": draw_own_node,
    r"figures/([^/]+)": draw_method,
}
"""Folders of figures, and what draws those of each."""
