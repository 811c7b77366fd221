"""How often measured and stated energies lie in the predicted ranges."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.evidence import coverage
from inference_energy.method.distributions import LogNormal
from inference_energy.tables import write_table
from repository import ROOT


@pytest.mark.parametrize("name", ["predicted", "coverage", "wall_utilisation"])
def test_a_table_is_the_committed_one(name, predicted, setup, settings, wall_power, tmp_path):
    """To the last byte: what each column is, and which lines there are."""
    if name == "predicted":
        made = predicted
    elif name == "coverage":
        made = coverage.coverage(predicted, settings["nominal_coverage"])
    else:
        power = settings["maximum_node_power"]
        maximum = {gpu: stated["value"] for gpu, stated in power.items()}
        made = coverage.wall_utilisation(wall_power, maximum, setup.power_utilisation)
    write_table(made, tmp_path / "made.csv", name)
    committed = ROOT / "results/validation/oviedo2026" / f"{name}.csv"
    assert (tmp_path / "made.csv").read_bytes() == committed.read_bytes()


def test_coverage_follows_from_the_lines(predicted, settings):
    table = coverage.coverage(predicted, settings["nominal_coverage"])
    for row in table[table["model"] == "all"].to_dict("records"):
        if row["set"] == coverage.EVERYTHING:
            continue
        lines = predicted[(predicted["set"] == row["set"]) & (predicted["basis"] == row["basis"])]
        lines = lines[lines["counted"] == "yes"]
        inside = (lines["measured_wh"] >= lines["predicted_p5_wh"]) & (
            lines["measured_wh"] <= lines["predicted_p95_wh"]
        )
        assert row["p5_p95_coverage"] == inside.mean()
        own = np.where(
            lines["statistic"] == "median", lines["predicted_p50_wh"], lines["predicted_mean_wh"]
        )
        assert np.log(row["bias"]) == pytest.approx(np.log(own / lines["measured_wh"]).mean())


def test_the_papers_list_is_complete(predicted):
    lines = predicted[predicted["set"] == coverage.PAPERS_LIST]
    assert (lines["basis"] == coverage.QUERIES).sum() == 5


def test_measured_runs_are_their_accelerators_like_for_like(predicted, runs):
    lines = predicted[predicted["id"].str.startswith("mlenergy_v3.")]
    accelerator = runs.set_index("row")["energy_per_request_j"] / 3600
    own = accelerator[lines["id"].str.rsplit(".").str[-1].astype(int)].to_numpy()
    like = (lines["basis"] == coverage.LIKE).to_numpy()
    assert lines["measured_wh"][like].to_numpy() == pytest.approx(own[like])
    assert (lines["measured_p5_wh"][~like].to_numpy() > own[~like]).all()


@pytest.mark.parametrize("inside", [0, 20])
def test_a_range_may_hold_too_much_as_well_as_too_little(predicted, inside):
    one = predicted.iloc[[0]].assign(set="some", counted="yes", model="m")
    lines = pd.concat([one] * 20, ignore_index=True)
    held = pd.Series(["yes"] * inside + ["no"] * (20 - inside))
    lines = lines.assign(inside_iqr=held, inside_p5_p95=held)
    table = coverage.coverage(lines, {"iqr": 0.5, "p5_p95": 0.5})
    assert set(table["verdict"]) == {"does not hold"}


def test_shared_runs_of_two_accuracy_targets_count_once(wall_power):
    full = {"H200-SXM-141GB": 10.2, "B200": 14.3}
    used = coverage.wall_utilisation(wall_power, full, LogNormal.from_percentiles(0.4, 0.9))
    assert not used.duplicated(["system", "scenario", "power_utilisation"]).any()
    assert used["power_utilisation"].between(0, 1).all()
    assert (used["idle_utilisation"] < used["power_utilisation"]).all()
