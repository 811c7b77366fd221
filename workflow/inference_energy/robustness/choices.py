"""The choices of a method and how they combine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_energy.documents import Schema, near, schema_problems
from inference_energy.errors import InputError
from inference_energy.method.files import merge
from inference_energy.method.setup import TRIMMED
from inference_energy.robustness.files import MULTIVERSE as WHERE
from inference_energy.robustness.files import (
    left_out_problems,
    named_options,
    on_base,
    option_problems,
    rule_problems,
)

Method = dict[str, Any]
"""A resolved method."""

QUARTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75}


STAGES = {
    "factors": {"power_utilisation", "pue"},
    "power": {"node_power"},
    "blend": {"blend"},
}
"""Sections of a method that leave tokens and throughput as they are."""

JOINED = " + "
"""Between the names of choices that stand together."""


def energy_key(regime: str, subject: str, statistic: str, pathway: str = "baseline") -> str:
    """Selector of an energy per query, as claims write it."""
    return (
        f"energy_per_query[regime={regime}; subject={subject}; pathway={pathway};"
        f" statistic={statistic}]"
    )


def headline(regime: str, statistic: str = "p50") -> str:
    """Selector of the frontier blend's energy per query."""
    return energy_key(regime, TRIMMED, statistic)


@dataclass(frozen=True)
class Multiverse:
    """A base method and the options of its choices.

    Parameters
    ----------
    base : dict
        Resolved method.
    choices : dict
        Choice to ``title``, ``of_base`` (the option that the base takes) and ``options``, each with
        ``label``, ``source`` and ``override``.
    refused : tuple of dict
        Combinations of options, choice to option or options, that no specification has.
    """

    base: Method
    choices: dict[str, dict[str, Any]]
    refused: tuple[dict[str, str | list[str]], ...] = ()

    @classmethod
    def of(
        cls, config: dict[str, Any], base: Method, config_schema: Schema, method_schema: Schema
    ) -> Self:
        """Check a configuration against its schema and each option as a method.

        Choices that the base cannot take are left out.

        Raises
        ------
        InputError
            Listing every problem.
        """
        problems = schema_problems(config, config_schema, WHERE)
        problems = problems or left_out_problems(config)
        if problems:
            raise InputError(problems)
        config = on_base(config, base, method_schema)
        problems = [
            *option_problems(config["choices"], base, method_schema),
            *rule_problems(config, base, method_schema),
        ]
        if problems:
            raise InputError(problems)
        return cls(base, config["choices"], tuple(rule["when"] for rule in config["refused"]))

    def refuses(self, options: Mapping[str, str]) -> bool:
        """Whether options, of all choices or some, contradict each other."""
        return any(
            all(options.get(name) in named_options(of) for name, of in when.items())
            for when in self.refused
        )

    @property
    def allowed(self) -> NDArray:
        """Array over all combinations: whether none of the options contradict each other."""
        names, answer = list(self.choices), np.ones(self.shape, dtype=bool)
        for when in self.refused:
            places = [
                [list(self.choices[n]["options"]).index(o) for o in named_options(when[n])]
                if n in when
                else range(len(self.choices[n]["options"]))
                for n in names
            ]
            answer[np.ix_(*places)] = False
        return answer

    @property
    def factors(self) -> list[list[str]]:
        """Choices as independent factors, a list of lists; what a rule refuses together is one."""
        groups = [[name] for name in self.choices]
        for when in self.refused:
            linked = [group for group in groups if set(group) & set(when)]
            groups = [group for group in groups if group not in linked]
            groups.append([name for name in self.choices if any(name in g for g in linked)])
        return sorted(groups, key=lambda group: list(self.choices).index(group[0]))

    def factorial(self, values: NDArray) -> NDArray:
        """Values over the full factorial of the :attr:`factors`.

        Parameters
        ----------
        values : ndarray
            One axis per choice.

        Returns
        -------
        ndarray
            One axis per factor; along that of several choices, their combinations that are allowed.
        """
        names, factors = list(self.choices), self.factors
        order = [names.index(name) for factor in factors for name in factor]
        sizes = [prod(self.shape[names.index(name)] for name in factor) for factor in factors]
        values, allowed = (a.transpose(order).reshape(sizes) for a in (values, self.allowed))
        axes = range(len(sizes))
        kept = [allowed.any(axis=tuple(a for a in axes if a != axis)) for axis in axes]
        return values[np.ix_(*kept)]

    def _known(self, choice: str, option: str, where: str) -> None:
        for value, allowed, kind in (
            (choice, self.choices, "choice"),
            (option, self.choices.get(choice, {}).get("options", {}), "option"),
        ):
            if value not in allowed:
                raise InputError(
                    f"{WHERE}: {where}: value {value}: unknown {kind}; allowed are"
                    f" {', '.join(allowed)}; correct the name or add the"
                    f" {kind}{near(value, allowed)}"
                )

    def _apply(self, options: Mapping[str, str], method: Method | None = None) -> Method:
        method = self.base if method is None else method
        for choice in self.choices:
            if choice in options:
                override = self.choices[choice]["options"][options[choice]].get("override")
                method = merge(method, override) if override else method
        return method

    @cached_property
    def _kept(self) -> dict[tuple[str, str], list[tuple[dict[str, str], Method]]]:
        return {}

    def _varied(self, stage: str, method: Method) -> list[tuple[dict[str, str], Method]]:
        """A method with every combination of one stage's choices: pairs of options and method.

        Sections that methods have in common are varied once.
        """
        own = {key: method[key] for key in sorted(STAGES[stage])}
        key = stage, json.dumps(own)
        if key not in self._kept:
            self._kept[key] = [(o, self._apply(o, own)) for o in self.combinations(stage)]
        return [(o, method | sections) for o, sections in self._kept[key]]

    def method(self, options: Mapping[str, str] | None = None) -> Method:
        """Resolved method of one specification.

        Parameters
        ----------
        options : dict of str to str, optional
            Choice to option; that of the base where nothing is said.

        Raises
        ------
        InputError
            If a choice or option does not exist.
        """
        for choice, option in (options or {}).items():
            self._known(choice, option, f"specification {choice}")
        return self._apply(options or {})

    @property
    def of_base(self) -> dict[str, str]:
        """Option of every choice that the base method takes."""
        return {name: choice["of_base"] for name, choice in self.choices.items()}

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of options of every choice."""
        return tuple(len(choice["options"]) for choice in self.choices.values())

    @property
    def place(self) -> tuple[int, ...]:
        """Place of the base method in an array over all specifications."""
        return tuple(list(c["options"]).index(c["of_base"]) for c in self.choices.values())

    def touched(self, choice: str) -> set[str]:
        """Sections of a method that the options of a choice override."""
        options = self.choices[choice]["options"].values()
        return {key for option in options for key in option.get("override", {})}

    def stage(self, choice: str) -> str:
        """What a choice changes: ``factors``, ``power``, ``blend``, or else ``tokens``."""
        touched = self.touched(choice)
        return next((s for s, keys in STAGES.items() if touched and touched <= keys), "tokens")

    def combinations(self, stage: str) -> list[dict[str, str]]:
        """All combinations of the options of one stage's choices, as dicts."""
        names = [name for name in self.choices if self.stage(name) == stage]
        options = product(*(self.choices[name]["options"] for name in names))
        return [dict(zip(names, combination, strict=True)) for combination in options]

    def specifications(self) -> pd.DataFrame:
        """Option of every choice in every combination, a DataFrame of categories."""
        places = np.unravel_index(np.arange(np.prod(self.shape)), self.shape)
        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(codes, pd.Index(list(choice["options"])))
                for (name, choice), codes in zip(self.choices.items(), places, strict=True)
            }
        )
