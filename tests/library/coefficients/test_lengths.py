"""How far the formula of the coefficients is from the laws at other lengths."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.coefficients.agents import calls, mean_call
from inference_energy.coefficients.lengths import AGENT, USES, add_factors, factor_column
from inference_energy.coefficients.table import (
    KEYS,
    LOADS,
    QUERY,
    coefficients,
    formula_wh,
    kinds,
    loaded_nodes,
)
from inference_energy.energy.equation import node_energy
from inference_energy.laws.serving import LARGEST_BATCH
from inference_energy.laws.training import LoadFit
from inference_energy.power.ways import fit_gpu_power
from repository import read

CALL = mean_call(read("data/agent_tokens.csv", "agent_tokens"))
EVERY = USES | {AGENT: CALL, "own": QUERY}


@pytest.fixture(scope="module")
def made(hardware, known, rows):
    """Both laws, some kinds of serving, and their coefficients with the factors."""
    every = kinds(**known, rows=rows)
    some = every["model"].isin(["GPT-J 6B", "Llama 3.1 70B"]) & every["precision"].eq("FP8")
    every = every[some & every["gpu"].eq("H200-SXM-141GB")].reset_index(drop=True)
    fit, power = LoadFit.fit(rows), fit_gpu_power(hardware)
    own, *of_uses = loaded_nodes(fit, power, every, hardware, [QUERY, *EVERY.values()])
    table = coefficients(own, rows)
    return fit, power, every, add_factors(table, EVERY, of_uses, known["models"])


def test_the_formula_is_exact_at_its_own_lengths_but_for_the_mean_over_engines(made):
    found = made[-1][factor_column("own")].dropna()
    assert len(found) == len(LOADS)
    np.testing.assert_allclose(found, 1, atol=0.005)


@pytest.mark.parametrize("use", ["short", "document"])
def test_the_formula_times_its_factor_is_what_the_laws_say(use, made, hardware):
    fit, power, every, table = made
    query = USES[use]
    (nodes,) = loaded_nodes(fit, power, every, hardware, [query])
    lengths = query["input_tokens"], query["output_tokens"]
    seconds = pd.Series([float(law.seconds(*lengths)) for law in nodes["law"]])
    log = np.log(node_energy(seconds, nodes["node_kw"]))
    keys = ["model", "gpu", "precision", "at"]
    of_laws = np.exp(log.groupby([nodes[key] for key in keys]).mean())
    own = table.set_index(KEYS)
    found = (formula_wh(own, query) * own[factor_column(use)]).dropna()
    known = of_laws.rename_axis(KEYS)[found.index]
    np.testing.assert_allclose(found, known, rtol=1e-9)


def test_of_agents_it_is_the_energy_of_their_call(made, hardware):
    fit, power, _, table = made
    own = table.set_index(KEYS)
    agents = calls(fit, power, CALL, hardware).set_index(KEYS)["total_wh"]
    both = own.index.intersection(agents.index)
    assert len(both) == len(LOADS)
    found = (formula_wh(own, CALL) * own[factor_column(AGENT)])[both]
    np.testing.assert_allclose(found, agents[both], rtol=1e-9)


def test_there_is_none_where_a_model_takes_no_such_request(made):
    table = made[-1].set_index("model")
    of_short_context = table.loc["GPT-J 6B", [factor_column(use) for use in EVERY]]
    held = of_short_context.notna().all().to_dict()
    fits = {use: q["input_tokens"] + q["output_tokens"] <= 2048 for use, q in EVERY.items()}
    assert held == {factor_column(use): held for use, held in fits.items()}
    assert of_short_context.isna().all().to_dict() == {name: not at for name, at in held.items()}


def test_committed_factors_are_those_of_the_library(made, table):
    both = table.merge(made[-1], on=KEYS, suffixes=("", "_again"))
    assert len(both) == 2 * len(LOADS)
    for use in [*USES, AGENT]:
        name = factor_column(use)
        np.testing.assert_allclose(both[name], both[f"{name}_again"], rtol=1e-5)


def test_the_reasons_of_other_lengths_show(table):
    """On a full node longer requests leave room for fewer; a request alone has room.

    Where an engine is near the most that it serves at once, shorter ones find no more room, and
    each bears the fixed time of a prefill.
    """
    best, alone = (table[table["load"] == load] for load in ("best", "1"))
    short, document = (factor_column(use) for use in ("short", "document"))
    dear = best[short] >= 1
    assert (best.loc[dear, "requests"] > LARGEST_BATCH / 2).all()
    assert (best[short].dropna() < 1).mean() > 0.95
    assert best[short].median() < alone[short].median()
    assert (best[document].dropna() > 1).all()
    assert alone[document].median() < best[document].median()
