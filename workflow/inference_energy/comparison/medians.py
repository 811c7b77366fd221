"""Medians of many methods that share most of their settings, each part computed once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from inference_energy.energy.exact import blend_energy, model_energy, with_pathways
from inference_energy.energy.fleet import daily
from inference_energy.energy.mixtures import Mixture, TrimmedBlend
from inference_energy.laws.fitting import Served
from inference_energy.method.build import (
    build,
    factor,
    fit_suitable,
    fleet,
    output_tokens,
    pathways,
    utilisation_of,
)
from inference_energy.method.distributions import LogNormal
from inference_energy.method.materials import MaterialsOf
from inference_energy.method.setup import Regime, ServedModel, Setup
from inference_energy.rounding import ratio

FITTED = ("data", "benchmarks", "throughput_law", "serving")
"""Sections that laws are fitted from; the node power besides, where a method says how its models
are served."""

FACTORS = ("power_utilisation", "pue", "input_charge", "monte_carlo")
"""Sections besides a regime's that a model's energy on a node of one kW follows from."""

LEVERS = ("hardware", "model", "serving", "combined")
"""Pathways, and all of them together."""

QUARTILES = {"lower quartile": 0.25, "upper quartile": 0.75}

KEPT = (
    *("materials", "laws", "setup", "regime", "models", "blend"),
    *("median", *QUARTILES, "mean", "divided"),
)
"""What is computed once for each state of the sections that it follows from."""

Method = Mapping[str, Any]


def _unsourced(sections: Any) -> Any:
    """Sections without their sources."""
    if isinstance(sections, list):
        return list(map(_unsourced, sections))
    if not isinstance(sections, Mapping):
        return sections
    return {key: _unsourced(value) for key, value in sections.items() if key != "source"}


def _sections(method: Method, *names: str) -> list:
    return [method.get(name) for name in names]


def _fitted_sections(method: Method) -> list:
    """What the laws of a resolved method follow from, as its file states it."""
    served = ("node_power", "monte_carlo") if "serving" in method else ()
    return _sections(method, *FITTED, *served)


def fitted_from(method: Method) -> list:
    """What the laws of a resolved method follow from, without sources, which move no number."""
    return [_unsourced(section) for section in _fitted_sections(method)]


class Texts:
    """Settings as text, alike for those alike but for sources and the order of keys.

    Mixtures of two methods share their quantities, so that the text of each is made once. What was
    asked for must not change afterwards.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}

    def __call__(self, value: Any) -> str:
        """Text of numbers, words, lists and mappings of them."""
        if isinstance(value, list):
            return f"[{','.join(map(self, value))}]"
        if not isinstance(value, dict):
            return repr(value)
        if id(value) not in self._known:
            keys = sorted(key for key in value if key != "source")
            text = ",".join(f"{key!r}:{self(value[key])}" for key in keys)
            # kept, as the number of what is gone goes to something else
            self._known[id(value)] = value, f"{{{text}}}"
        return self._known[id(value)][1]


class ExactMedians:
    """Exact median of the blend in each regime, of methods that are mixtures of a few.

    A mixture of two methods has most in common with the others: what depends on some sections only
    is computed once for each that these sections have. The power of a node scales a model's energy.

    Parameters
    ----------
    materials_of : callable
        Resolved method to what it is built from, the keyword arguments of ``build``.
    regimes : collection of str, optional
        Kinds of queries whose median is asked for; all unless given.
    days : bool
        Whether the energy of a day of each kind of queries is asked for too, as it is and improved.
    quartiles : bool
        Whether the quartiles are asked for too.
    levers : collection of str
        Pathways of LEVERS of which it is asked by which factor they lower the median.
    """

    def __init__(
        self,
        materials_of: MaterialsOf,
        regimes: Collection[str] | None = None,
        days: bool = False,
        quartiles: bool = False,
        levers: Collection[str] = (),
    ) -> None:
        self._materials_of, self._asked, self._days = materials_of, regimes, days
        self._quartiles, self._levers = quartiles, levers
        self._known: dict[str, dict[str, Any]] = {what: {} for what in KEPT}
        self._texts = Texts()

    def __call__(self, method: Method) -> dict[str, float]:
        """Medians of a resolved method by headline, and quartiles [Wh], energy of a day [GWh/day],
        and levers [1].

        Raises
        ------
        InputError
            If the method cannot be built.
        """
        asked = {
            name: [regime, *_sections(method, *FITTED, *FACTORS, "node_power", "blend")]
            for name, regime in method["regimes"].items()
            if self._asked is None or name in self._asked
        }
        levels = {"median": 0.5} | (QUARTILES if self._quartiles else {})
        answer = {
            f"{name} {statistic}": self._once(
                statistic, [name, *sections], partial(self._quantile, method, name, level)
            )
            for name, sections in asked.items()
            for statistic, level in levels.items()
        }
        if self._levers:
            for name, sections in asked.items():
                stated = [name, *sections, method["pathways"]]
                divided = self._once("divided", stated, partial(self._divided, method, name))
                answer |= {
                    f"{name} lever, {pathway}": ratio(answer[f"{name} median"], median)
                    for pathway, median in divided.items()
                }
        if not self._days:
            return answer
        settings = fleet(method["fleet"], method["monte_carlo"]["normal_quantile_95"])
        means = {
            name: self._once("mean", [name, *sections], partial(self._mean, method, name))
            for name, sections in asked.items()
        }
        for name in asked:
            day = daily(settings, name, means[name])
            answer[f"{name} day"] = day
            answer[f"{name} improved day"] = day * settings.improvement[name].moment(-1)
        return answer

    def take(self, method: Method, laws: Mapping[str, Served]) -> None:
        """Take note of the laws of a resolved method that are fitted already."""
        self._once("laws", _fitted_sections(method), lambda: laws)

    def _once(self, what: str, depends_on: list, make: Callable[[], Any]) -> Any:
        known, key = self._known[what], self._texts(depends_on)
        if key not in known:
            known[key] = make()
        return known[key]

    def _given(self, method: Method) -> dict[str, Any]:
        tables = [method["benchmarks"]["table"], method.get("data")]
        return self._once("materials", tables, lambda: self._materials_of(method))

    def _laws(self, method: Method) -> Mapping[str, Served]:
        return self._once("laws", _fitted_sections(method), lambda: self._fitted(method))

    def _fitted(self, method: Method) -> Mapping[str, Served]:
        # a law of one method against rows of another is refused where it would be of a method:
        # fitted to rows of several layouts, the paper's gives means up to a million times too large
        given = self._given(method)
        return fit_suitable(method, given["table"], given.get("hardware"))

    def _setup(self, method: Method) -> Setup:
        """Setup whose models, charge and blend are the method's."""
        sections = _sections(method, *FITTED, "node_power", "input_charge", "blend")
        return self._once(
            "setup",
            sections,
            lambda: build(method, **self._given(method), laws=self._laws(method)),
        )

    def _regime(self, method: Method, name: str) -> Regime:
        stated, traces = method["regimes"][name], self._given(method).get("traces") or {}
        return self._once(
            "regime",
            [name, stated, method.get("data")],
            lambda: Regime(
                name,
                output_tokens(stated["output_tokens"], traces),
                float(stated["input_tokens"]["value"]),
            ),
        )

    def _of_one_kw(self, method: Method, name: str) -> dict[str, tuple[Mixture, float, float]]:
        """Energy of every model's queries on a node of one kW, its median and its mean. [Wh]"""
        z = method["monte_carlo"]["normal_quantile_95"]
        setup = replace(
            self._setup(method),
            power_utilisation=utilisation_of(method, self._laws(method), z),
            pue=factor(method["pue"], z),
        )
        regime = self._regime(method, name)
        found = {}
        for model in setup.models:
            energy = model_energy(setup, regime, replace(model, node_power=1.0))
            mean = energy.mean() if self._days else np.nan
            found[model.name] = energy, energy.quantile(0.5), mean
        return found

    def _blended(
        self, method: Method, name: str
    ) -> tuple[dict[str, tuple[Mixture, float, float]], list[tuple[ServedModel, float]]]:
        """Of :meth:`_of_one_kw`, and the models of the blend with their shares."""
        setup = self._setup(method)
        sections = [name, method["regimes"][name], *_fitted_sections(method)]
        known = self._once(
            "models",
            sections + _sections(method, *FACTORS),
            lambda: self._of_one_kw(method, name),
        )
        places, shares = setup.blend.members(
            [known[model.name][1] * model.node_power for model in setup.models],
            [model.parameters for model in setup.models],
        )
        models = [setup.models[i] for i in places]
        return known, list(zip(models, map(float, shares), strict=True))

    def _quantile(self, method: Method, name: str, level: float) -> float:
        return self._blend(method, name).quantile(level)

    def _divided(self, method: Method, name: str) -> dict[str, float]:
        """Median of the blend by each pathway that is asked of. [Wh]"""
        z = method["monte_carlo"]["normal_quantile_95"]
        setup = replace(self._setup(method), pathways=pathways(method["pathways"], z))
        divided = with_pathways(setup, self._blend(method, name))
        return {pathway: divided[pathway].quantile(0.5) for pathway in self._levers}

    def _blend(self, method: Method, name: str) -> Mixture | TrimmedBlend:
        sections = _sections(method, *FITTED, *FACTORS, "node_power", "blend")
        depends_on = [name, method["regimes"][name], *sections]
        return self._once("blend", depends_on, partial(self._pooled, method, name))

    def _pooled(self, method: Method, name: str) -> Mixture | TrimmedBlend:
        known, members = self._blended(method, name)
        energies = {
            model.name: known[model.name][0].divided_by(LogNormal.fixed(1 / model.node_power))
            for model, _ in members
        }
        shares = {model.name: share for model, share in members}
        return blend_energy(self._setup(method), energies, shares)

    def _mean(self, method: Method, name: str) -> float:
        """Mean energy of a query of the blend, of which a fleet trims nothing. [Wh]"""
        known, members = self._blended(method, name)
        return sum(share * known[model.name][2] * model.node_power for model, share in members)
