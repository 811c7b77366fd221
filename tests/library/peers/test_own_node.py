"""What other estimators say of the project's own stress tests."""

import pytest
from inference_energy.laws.training import LoadFit, training_rows
from inference_energy.peers import own_node
from inference_energy.peers.rows import own_rows
from inference_energy.peers.score import QUANTITIES, TOLD
from inference_energy.power.utilisation import add_utilisation
from inference_energy.power.ways import fit_gpu_power
from inference_energy.stress.forecast import endpoint_rows
from repository import hardware_tables, read

LAW = "law with load"
ENERGY, THROUGHPUT = QUANTITIES.values()


@pytest.fixture(scope="module")
def hardware():
    return hardware_tables()


@pytest.fixture(scope="module")
def training(hardware):
    vendor = read("data/throughput/trtllm.csv", "throughput")
    known = {name: hardware[name] for name in ("models", "gpus")}
    return training_rows([vendor], hardware["mlenergy"], known)


@pytest.fixture(scope="module")
def cells():
    return read("data/measured/own_node/cells.csv", "own_node")


@pytest.fixture(scope="module")
def answers():
    return read("data/published/peers.csv", "peer_answers")


@pytest.fixture(scope="module")
def found(cells, answers, training, hardware):
    table = own_node.beside(cells, answers, training, hardware, LAW)
    return table.set_index(["quantity", "prediction", "cell"]).sort_index()


def test_packages_say_what_they_were_asked_told_everything(found, cells, answers, hardware):
    rows = own_rows(cells, hardware["models"]).set_index("id")
    told = answers[answers["told"] == TOLD].set_index(["predictor", "id"])
    for quantity, name, package, column in (
        (THROUGHPUT, "AIConfigurator", "aiconfigurator", "throughput_tps"),
        (ENERGY, "EcoLogits", "ecologits", "energy_per_token_j"),
    ):
        own = found.loc[quantity, name]
        assert len(own) == len(cells)
        assert list(own["predicted"]) == list(told.loc[package, column].reindex(own.index))
        assert list(own["measured"]) == list(rows[column].reindex(own.index))


def test_energy_of_a_throughput_is_the_power_of_our_law_at_it(found, cells, hardware):
    ids = own_rows(cells, hardware["models"])["id"]
    speed = found.loc[THROUGHPUT, "AIConfigurator"]["predicted"].reindex(ids)
    watts = speed * found.loc[ENERGY, own_node.BY_POWER_LAW]["predicted"].reindex(ids)
    law = fit_gpu_power(hardware)
    drawn = law.predict(_asked(cells.iloc[[0]], speed.iloc[[0]], hardware))
    assert watts.iloc[0] == pytest.approx(drawn["gpu_power_w"].iloc[0])
    told = found.loc[ENERGY, own_node.TOLD_SPEED].reindex(ids)
    measured = found.loc[THROUGHPUT, LAW]["measured"].reindex(ids)
    drawn = law.predict(_asked(cells, measured, hardware))["gpu_power_w"]
    assert (told["predicted"] * measured).to_numpy() == pytest.approx(drawn.to_numpy())
    tdp = hardware["gpus"].set_index("gpu")["tdp_w"]["H200-SXM-141GB"]
    assert (watts < tdp).all() and (watts > tdp / 4).all()


def _asked(cells, speed, hardware):
    """One GPU that serves its requests at a speed, as the law of power is asked."""
    columns = ["model", "gpu", "precision", "input_tokens", "output_tokens"]
    rows = cells[columns].assign(gpus=1, attention_copies=1, task="", batch=cells["concurrency"])
    rows = rows.assign(throughput_tps=speed.to_numpy())
    return add_utilisation(rows, hardware["models"], hardware["gpus"])


def test_the_law_is_asked_as_a_stress_test_asks_it(found, cells, training, hardware):
    cell = cells.iloc[3]
    facts = {name: cell[name] for name in ("model", "gpu", "precision", "engine")} | {"n_gpus": 1}
    settings = {"concurrency": [int(cell["concurrency"])], "lengths": [int(cell["output_tokens"])]}
    rows = endpoint_rows(facts, settings | {"input_tokens": cell["input_tokens"]}, hardware)
    (law,) = LoadFit.fit(training).laws_of(rows)
    lengths = (cell["input_tokens"], cell["output_tokens"])
    expected = float(law.at(cell["concurrency"]).predict(*lengths))
    id_of = own_rows(cells, hardware["models"])["id"].iloc[3]
    assert found.loc[(THROUGHPUT, LAW, id_of), "predicted"] == pytest.approx(expected)


def test_a_cell_of_which_a_package_says_nothing_is_left_out(cells, answers, training, hardware):
    silent = own_rows(cells, hardware["models"])["id"].iloc[0]
    known = answers[(answers["id"] != silent) | (answers["predictor"] != "aiconfigurator")]
    table = own_node.beside(cells, known, training, hardware, LAW)
    counts = table.groupby(["quantity", "prediction"]).size()
    all_of_them = len(cells)
    assert counts[THROUGHPUT, LAW] == counts[ENERGY, "EcoLogits"] == all_of_them
    assert counts[THROUGHPUT, "AIConfigurator"] == all_of_them - 1
    assert counts[ENERGY, own_node.BY_POWER_LAW] == all_of_them - 1
    assert table["predicted"].notna().all()
