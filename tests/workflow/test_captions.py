"""The captions of a method's figures say what that method does, whatever it states."""

import re
from copy import deepcopy
from types import SimpleNamespace

import jinja2
import pytest
from repository import METHODS, ROOT

FOLDER = ROOT / "workflow" / "report" / "paper"
FIGURES = sorted(path.stem for path in FOLDER.glob("[123s]*.rst"))


def caption(name, method):
    """Caption as Snakemake renders it."""
    snakemake = SimpleNamespace(params=SimpleNamespace(method=method))
    text = (FOLDER / f"{name}.rst").read_text(encoding="utf-8")
    return " ".join(jinja2.Template(text).render(snakemake=snakemake).split())


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("method", METHODS)
def test_no_caption_has_a_gap(name, method):
    said = caption(name, METHODS[method])
    assert not re.search(r"[:(] ?[;,.)]|None|Undefined|\{|–[ ;,]| kW, kW|[:,] kW", said), said


@pytest.mark.parametrize("name", ["1a", "2a"])
def test_the_power_of_a_method_with_load_is_that_at_its_load(name):
    said = caption(name, METHODS["revised"])
    assert "8–408 requests at once" in said and "kW" not in said
    assert "Maximum node power: 10.2 kW, DeepSeek-R1 12.8 kW" in caption(
        name, METHODS["oviedo2026"]
    )


@pytest.mark.parametrize("name", ["1a", "1b", "2a", "2b", "s2", "s3"])
def test_the_blend_is_the_one_that_the_method_states(name):
    method = deepcopy(METHODS["oviedo2026"])
    method["node_power"].pop("models")
    method["blend"] |= {"ranked_by": "parameters", "trim": [], "shares": "median model"}
    said = caption(name, method)
    assert "largest medians" not in said and "trimmed" not in said
