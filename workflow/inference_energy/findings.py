"""Weak points of a method, each computed: what changes when it is done the other way."""

from dataclasses import dataclass

import pandas as pd

from inference_energy import estimate
from inference_energy.claims import Evidence, evaluate
from inference_energy.errors import InputError
from inference_energy.methods import build, merge, schema_problems
from inference_energy.report import markdown_table
from inference_energy.tables import format_number

BLEND_MEDIAN = (
    "energy_per_query[regime={}; subject=frontier blend; pathway=baseline; statistic=p50]"
)
HEADLINES = {
    regime: {"name": f"{regime} median", "unit": "Wh", "value": BLEND_MEDIAN.format(regime)}
    for regime in ("traditional", "long")
}
"""Quantities that a finding with an override reports; the first orders the findings."""


@dataclass(frozen=True)
class Effect:
    """A quantity as the method has it (before) and as the finding has it (after)."""

    name: str
    unit: str
    before: float
    after: float

    @property
    def change(self):
        """Change from before to after. [%]"""
        return 100 * (self.after / self.before - 1)


def override_problems(finding, method, schema):
    """Problems of a finding's overrides, applied to its method, against the method's schema.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    method : dict or None
        The resolved method that it names; none: the name is wrong, which is said elsewhere.
    schema : dict
        JSON Schema of a resolved method.
    """
    if method is None:
        return []
    changed = merge(merge(method, finding.get("context", {})), finding.get("override", {}))
    return schema_problems(changed, schema, f"config/findings.yaml: {finding['id']}: override")


def law_ratios(setup, vendor):
    """Throughput that the fitted laws predict over the one that a vendor table lists.

    Parameters
    ----------
    setup : Setup
        Method whose laws predict.
    vendor : DataFrame
        Rows of schema ``throughput``; those of models without a law are left out.

    Returns
    -------
    DataFrame
        model, gpu, tensor_parallel, precision, input_tokens, output_tokens, source_id, predicted,
        measured [tokens/s] and value, their ratio [1].
    """
    laws = {model.name: model.law for model in setup.models}
    keys = ["model", "gpu", "tensor_parallel", "precision", "input_tokens", "output_tokens"]
    rows = vendor[vendor["model"].isin(laws)].dropna(subset=["input_tokens", "output_tokens"])
    rows = rows[[*keys, "source_id", "throughput_tps"]].rename(
        columns={"throughput_tps": "measured"}
    )
    rows["predicted"] = [
        float(laws[row["model"]].predict(row["input_tokens"], row["output_tokens"]))
        for row in rows.to_dict("records")
    ]
    return rows.assign(value=rows["predicted"] / rows["measured"])


def benchmark_lines(tables):
    """Throughput tables as one table that selectors can ask: ``value`` is the throughput.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Tables of schema ``throughput`` by name, which becomes the column ``table``.

    Returns
    -------
    DataFrame
        Keys as text, numbers as the result tables print them.
    """
    frames = [
        table.assign(table=name, value=table["throughput_tps"]) for name, table in tables.items()
    ]
    return _with_text_keys(pd.concat([frame.dropna(axis=1, how="all") for frame in frames]))


def listed_powers(tables):
    """Node power that the throughput tables list, in the form of :func:`benchmark_lines`. [kW]"""
    lines = benchmark_lines(tables)
    if "listed_node_power_kw" not in lines:
        return lines.iloc[:0]
    lines = lines[lines["listed_node_power_kw"] != ""]
    return lines.assign(value=lines["listed_node_power_kw"].astype(float))


def _with_text_keys(frame):
    keys = [column for column in frame.columns if column != "value"]
    text = {
        key: frame[key].map(lambda v: v if isinstance(v, str) else format_number(v)) for key in keys
    }
    return frame.assign(**text)


def exact_evidence(method, sources, figures, vendor=None):
    """Results of the exact engine for a method that has not been run.

    Parameters
    ----------
    method : dict
        Resolved method.
    sources : dict
        What it is built from, the keyword arguments of ``build``.
    figures : dict of str to dict
        Published figures, as of :class:`Evidence`.
    vendor : dict of str to DataFrame, optional
        Further throughput tables by name; with them selectors can ask for ``benchmark`` [tokens/s],
        ``listed_power`` [kW], ``law_prediction`` [tokens/s] and ``law_ratio``.

    Returns
    -------
    Evidence
    """
    setup = build(method, **sources)
    tables = {
        "energy_per_query": estimate.energy_per_query(setup, ["exact"]),
        "output_tokens": estimate.output_tokens(setup, ["exact"]),
        "fleet": estimate.fleet(setup, ["exact"]),
        "throughput_laws": estimate.throughput_laws(setup),
    }
    if vendor:
        named = {"paper": sources["table"]} | vendor
        ratios = _with_text_keys(
            pd.concat(
                [law_ratios(setup, table).assign(table=name) for name, table in named.items()]
            )
        )
        tables |= {
            "benchmark": benchmark_lines(named),
            "listed_power": listed_powers(named),
            "law_ratio": ratios,
            "law_prediction": ratios.assign(value=ratios["predicted"].astype(float)),
        }
    return Evidence(method, tables, figures)


def effects(finding, evidence, alternative, own):
    """Every quantity of a finding, before and after.

    Parameters
    ----------
    finding : dict
        Entry of config/findings.yaml.
    evidence, alternative : Evidence
        Exact results of the finding's method, and under its override.
    own : Evidence
        Results of the method as they were written, for the engine ``published``.

    Returns
    -------
    dict of str to Effect

    Raises
    ------
    InputError
        Listing every quantity that the results do not have.
    """
    on_headline = "override" in finding and finding.get("headline", True)
    quantities = (HEADLINES if on_headline else {}) | finding.get("quantities", {})
    engine = finding.get("engine", "exact")
    before, after = (own, own) if engine == "published" else (evidence, alternative)
    found, problems = {}, []
    for key, quantity in quantities.items():
        sides = (
            (quantity.get("before", quantity.get("value")), before),
            (quantity.get("after", quantity.get("value")), after),
        )
        values = [evaluate(selector, where, engine) for selector, where in sides]
        if None in values:
            problems.append(
                f"config/findings.yaml: {finding['id']}: quantities.{key}: value"
                f" {sides[values.index(None)][0]!r}: selects nothing; allowed is a line of the"
                " results; correct the selector"
            )
        else:
            found[key] = Effect(quantity["name"], quantity["unit"], *values)
    if problems:
        raise InputError(problems)
    return found


def explain(finding, found, evidence, own):
    """Write a finding's paragraph from the numbers.

    The format string can use every quantity (``{key.before}``, ``{key.after}``, ``{key.change}``
    [%], also ``traditional`` and ``long`` where there is an override) and every entry of
    ``values``.

    Raises
    ------
    InputError
        If it names something else, or a value selects nothing.
    """
    engine = finding.get("engine", "exact")
    where = own if engine == "published" else evidence
    values = {
        name: evaluate(selector, where, engine)
        for name, selector in finding.get("values", {}).items()
    }
    text = finding["explanation"]
    try:
        return " ".join(text.format(**found, **values).split())
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"config/findings.yaml: {finding['id']}: key explanation: cannot be written ({error});"
            f" allowed are {', '.join([*found, *values])}; correct the name or its selector"
        ) from None


def rank(computed):
    """Findings by the size of their effect on the headline, then on whatever they move most.

    Parameters
    ----------
    computed : dict of str to dict of str to Effect
        Effects by finding.

    Returns
    -------
    list of str
        Ids; findings without an override come after those with one.
    """

    def size(finding):
        found = computed[finding]
        headline = abs(found["traditional"].change) if "traditional" in found else -1.0
        return (-headline, -max(abs(effect.change) for effect in found.values()), finding)

    return sorted(computed, key=size)


def findings_table(findings, computed):
    """Effects of all findings as the findings table, in order of rank."""
    known = {finding["id"]: finding for finding in findings}
    return pd.DataFrame(
        [
            {
                "rank": place,
                "finding": name,
                "method": known[name]["method"],
                "claimed": known[name]["claimed"],
                "alternative": known[name]["alternative"],
                "engine": known[name].get("engine", "exact"),
                "quantity": effect.name,
                "before": effect.before,
                "after": effect.after,
                "unit": effect.unit,
                "change_percent": effect.change,
            }
            for place, name in enumerate(rank(computed), start=1)
            for effect in computed[name].values()
        ]
    )


def findings_page(findings, computed, explanations):
    """Findings as a Markdown page, largest effect on the headline first."""
    known = {finding["id"]: finding for finding in findings}
    order = rank(computed)
    parts = [
        "# What the weak points of the method change",
        "",
        "Each is computed with the exact engine unless the engine is named; the order is that of"
        " the effect on the traditional median. Findings that do not touch it come last.",
        "",
        markdown_table(
            ["finding", "claimed or done", "alternative", "traditional median"],
            [
                [
                    f"[{name}](#{name})",
                    known[name]["claimed"],
                    known[name]["alternative"],
                    f"{computed[name]['traditional'].change:+.1f} %"
                    if "traditional" in computed[name]
                    else "",
                ]
                for name in order
            ],
        ),
    ]
    for name in order:
        finding = known[name]
        engine = finding.get("engine", "exact")
        parts += [
            "",
            f"## {name}",
            "",
            explanations[name],
            "",
            f"Method `{finding['method']}`, engine {engine}:",
            "",
            markdown_table(
                ["quantity", "before", "after", "unit", "change"],
                [
                    [e.name, f"{e.before:.4g}", f"{e.after:.4g}", e.unit, f"{e.change:+.1f} %"]
                    for e in computed[name].values()
                ],
            ),
        ]
    return "\n".join(parts) + "\n"
