"""Tabulate energy per token by model, GPU, format and load; compare, write tables, page, figure."""

import tomllib
from pathlib import Path

from _logged import run
from inference_energy.coefficients.agents import calls, held, mean_call
from inference_energy.coefficients.disaggregated import compare
from inference_energy.coefficients.document import document, schema
from inference_energy.coefficients.figures import by_load
from inference_energy.coefficients.lengths import AGENT, USES, add_factors
from inference_energy.coefficients.page import pages
from inference_energy.coefficients.rows import located_rows, rows_behind
from inference_energy.coefficients.table import (
    QUERY,
    coefficients,
    kinds,
    loaded_nodes,
    networks,
)
from inference_energy.drawing import save_all
from inference_energy.errors import InputError
from inference_energy.laws.training import THROUGHPUT_TABLES, LoadFit
from inference_energy.power.measured import check_roles
from inference_energy.power.ways import fit_gpu_power
from inference_energy.project import shown
from inference_energy.reports import told
from inference_energy.tables import load_schema, read_table, write_table, write_text


def main(snakemake):
    """Fit both laws, write tables, page and figure."""
    read, output = snakemake.input, snakemake.output
    names = ("models", "gpus", "nodes", "inferencex", "wall_power")
    hardware = {name: read_table(read[name], name) for name in names}
    check_roles(hardware["inferencex"], shown(read.inferencex))
    hardware["mlenergy"] = read_table(read.steady, "mlenergy")
    trace = read_table(read.agent_tokens, "agent_tokens")
    found = list(held(trace, hardware["models"]))
    if problems := [sentence for is_problem, sentence in found if is_problem]:
        raise InputError(problems)
    unusual = [sentence for _, sentence in found]
    tables = {
        path: read_table(file, "throughput")
        for path, file in zip(THROUGHPUT_TABLES, read.throughput, strict=True)
    }
    known = {name: hardware[name] for name in ("models", "gpus")}
    rows = located_rows(tables, hardware["mlenergy"], known)
    fit, power = LoadFit.fit(rows), fit_gpu_power(hardware)
    call = mean_call(trace)
    uses = USES | {AGENT: call}
    every = kinds(**known, rows=rows)
    own, *of_uses = loaded_nodes(fit, power, every, hardware, [QUERY, *uses.values()])
    table = coefficients(own, rows)
    made = {
        "coefficients": add_factors(table, uses, of_uses, known["models"]),
        "coefficients_rows": rows_behind(networks(**known), rows),
        "coefficients_disaggregated": compare(fit, power, hardware),
        "coefficients_agents": calls(fit, power, call, hardware),
    }
    for name, frame in made.items():
        write_table(frame, output[name], name)
        # document, page and figure show what the tables say, with their digits
        made[name] = read_table(output[name], name)
    project = tomllib.loads(Path(read.project).read_text(encoding="utf-8"))["project"]
    table = made["coefficients"]
    write_text(output.json, document(table, project, call))
    write_text(output.json_schema, schema(load_schema("coefficients")))
    compared, agents = (made[f"coefficients_{name}"] for name in ("disaggregated", "agents"))
    save_all({"coefficients": by_load(table)}, [output.svg, output.png])
    metered = [*hardware["mlenergy"]["gpu"].unique(), *hardware["inferencex"]["gpu"].unique()]
    seen = rows["input_tokens"].max(), rows["concurrency"].min()
    texts = pages(table, compared, agents, call, *seen, metered, unusual)
    for path, text in zip((output.page, output.checked), texts, strict=True):
        write_text(path, told(text, Path(path).parent))


if __name__ == "__main__":
    run(main, snakemake)
