"""A method that knows load is asked at the load of a measurement, of a model it has not seen."""

from dataclasses import replace

import pytest
import repository
from inference_energy.evidence.estimates import energy_at
from inference_energy.evidence.load import Load, at_load, of_steady, unseen
from inference_energy.laws.varied import Varied
from repository import METHODS

MODEL = "Llama 3.1 405B"
BUSY = Load(256.0, "H100-SXM-80GB", "FP8", 8)


@pytest.fixture(scope="module")
def materials():
    return repository.materials([METHODS["revised"]])(METHODS["revised"])


@pytest.fixture(scope="module")
def kinds(runs):
    table = of_steady(runs)
    return table[(table["model"] == MODEL) & (table["gpu"] == BUSY.gpu)]


@pytest.fixture(scope="module")
def apart(materials, kinds):
    return unseen(METHODS["revised"], materials, kinds)


def test_only_measured_models_of_a_method_that_knows_load_are_asked(materials, kinds, apart):
    assert set(apart) == {MODEL}
    assert unseen(METHODS["oviedo2026"], materials, kinds) == {}


def test_energy_falls_with_the_load_and_rises_with_the_gpus(apart, convert):
    energy = [
        energy_at(apart[MODEL], MODEL, 300, 366, "accelerator", convert, load).quantile(0.5)
        for load in (BUSY._replace(concurrency=8.0), BUSY, BUSY._replace(gpus=4))
    ]
    # the same requests on half of a node load it twice as much
    assert energy[0] > 4 * energy[1] > 4 * energy[2]


def test_it_has_seen_nothing_of_the_model(materials, kinds, apart, convert):
    steady = materials["hardware"]["mlenergy"]
    own = steady["model"] == MODEL
    spoilt = steady.assign(throughput_tps=steady["throughput_tps"].where(~own, 1.0))
    hardware = materials["hardware"] | {"mlenergy": spoilt}
    fooled = unseen(METHODS["revised"], materials | {"hardware": hardware}, kinds)[MODEL]
    honest, other = (
        energy_at(setup, MODEL, 300, 366, "accelerator", convert, BUSY).quantile(0.5)
        for setup in (apart[MODEL], fooled)
    )
    assert honest == pytest.approx(other)


def test_a_law_off_one_that_knows_load_is_asked_at_it_too(apart):
    served = apart[MODEL].models[0]
    twice = replace(served, law=Varied.of(served.law, factor=2.0))
    known, found = (at_load(each, BUSY, 8).law for each in (served, twice))
    assert found.predict(300.0, 366.0) == pytest.approx(2 * known.predict(300.0, 366.0))
    assert {way.load for way in found.shares()} == {BUSY.concurrency}


def test_a_law_without_load_and_a_run_without_one_change_nothing(setup, apart):
    assert at_load(setup.models[0], BUSY, 8) is setup.models[0]
    served = apart[MODEL].models[0]
    assert at_load(served, None, 8) is served
    elsewhere = replace(served, law=served.law.on({"H100-SXM-80GB FP8"}))
    assert at_load(elsewhere, BUSY._replace(gpu="A100-SXM-80GB"), 8) is elsewhere
