"""The paper's Monte Carlo as one sequential script, independent of the library.

Written from the description of the released code: NumPy's global generator, seeded once per
regime, every draw one vector. The tests compare the library with it number by number. The legacy
generator is the point, so the rule against it does not hold in this file.
"""

# ruff: noqa: NPY002

import numpy as np
import pandas as pd

N = 10_000
MEDIANS = {"traditional": 300, "long": 5000}
POWERS = {"oviedo2025": (11.3, 14.1), "oviedo2026": (10.2, 12.8)}
OVERHEAD = {"traditional": 1.10 * 1.076 * 1.12, "long": 1.1836 * 1.12}
SAVED = {"traditional": (1.5, 3.5), "long": (1.5, 3.0)}
LEVERS = {"hardware": (1.5, 2.5), "model": (1.5, 10.0), "serving": (1.5, 5.0)}


def laws(path):
    """Coefficients and largest throughput of every model, in the order of the draws."""
    rows = pd.read_csv(path)
    rows = rows[(rows.precision == "FP8") & rows.input_tokens.notna() & rows.output_tokens.notna()]
    fitted, constant = {}, {}
    for model in rows.model.unique():
        own = rows[rows.model == model]
        largest = own.throughput_tps.max()
        if len(own) >= 3:
            x = np.array(
                [
                    [1.0, np.log(a), np.log(b)]
                    for a, b in zip(own.input_tokens, own.output_tokens, strict=True)
                ]
            )
            fitted[model] = (
                *np.linalg.lstsq(x, np.log(own.throughput_tps), rcond=None)[0],
                largest,
            )
        elif len(own) == 2:
            constant[model] = (largest,)
    return fitted | constant


def speed(law, length, tokens):
    """Throughput at an input length and an array of output tokens."""
    if len(law) == 1:
        return np.full(len(tokens), law[0])
    logarithm = law[0] + law[1] * np.log(length) + law[2] * np.log(np.maximum(tokens, 1e-6))
    return np.minimum(np.exp(logarithm), law[3])


def log_normal(low, high, n):
    """Draw from the log-normal with these 5th and 95th percentiles."""
    sigma = np.log(high / low) / (2 * 1.645)
    return np.random.lognormal(np.log(low) + 1.645 * sigma, sigma, n)


def between(sample, low, high):
    """Keep a sample between two of its percentiles."""
    bounds = np.percentile(sample, [low, high])
    return sample[(sample >= bounds[0]) & (sample <= bounds[1])]


def draw(law_of, regime, powers, length=500, coupled=False, charged=False):
    """Tokens and energy of every model, the blend's models and the blend under every pathway."""
    tokens, energy = {}, {}
    for model, law in law_of.items():
        tokens[model] = np.round(np.random.exponential(MEDIANS[regime] / np.log(2), N)).astype(int)
        throughput = speed(law, length, tokens[model])
        if coupled:
            utilisation = 0.24 + 0.56 * np.minimum(throughput / law[-1], 1)
        else:
            utilisation = log_normal(0.4, 0.9, N)
        pue = log_normal(1.05, 1.6, N)
        power = powers[model.startswith("DeepSeek")]
        counted = tokens[model] + length / 30 if charged else tokens[model]
        energy[model] = pue * power * utilisation * counted / (3.6 * throughput)
    names = sorted(energy, key=lambda model: np.median(energy[model]), reverse=True)[:3]
    blend = np.concatenate([between(between(energy[m], 5, 95), 10, 90) for m in names])
    pathways, product = {"baseline": blend}, 1.0
    for lever, bounds in LEVERS.items():
        multiplier = log_normal(*bounds, len(blend))
        pathways[lever] = blend / multiplier
        product = product * multiplier
    pathways["combined"] = blend / product
    return tokens, energy, names, pathways


def fleet(law_of, regime, powers):
    """Percentiles 5, 50 and 95 of a day of 1e9 queries, baseline and improved. [GWh]"""
    np.random.seed(42)
    _, energy, names, _ = draw(law_of, regime, powers)
    pool = np.concatenate([energy[model] for model in names])
    np.random.seed(42)
    np.random.exponential(1.0, N)
    answers = {"baseline": pool, "improved": pool / log_normal(*SAVED[regime], len(pool))}
    for pathway, sample in answers.items():
        np.random.seed(42)
        sums = [np.random.choice(sample, len(sample)).sum() for _ in range(1000)]
        scaled = np.array(sums) / len(sample) * 1e9 * OVERHEAD[regime] / 1e9
        answers[pathway] = dict(
            zip(("p5", "p50", "p95"), np.percentile(scaled, [5, 50, 95]), strict=True)
        )
    return answers


def statistics(sample):
    """Every statistic of the result tables."""
    names = ("p5", "p25", "p50", "p75", "p95")
    percentiles = dict(zip(names, np.percentile(sample, [5, 25, 50, 75, 95]), strict=True))
    return {"n": len(sample), "mean": np.mean(sample), "std": np.std(sample)} | percentiles


def run(path, method):
    """Return all numbers of a method: key of the result tables to value."""
    law_of, powers, numbers = laws(path), POWERS[method], {}

    def note(*key, sample):
        numbers.update({(*key, name): value for name, value in statistics(sample).items()})

    for regime in MEDIANS:
        np.random.seed(42)
        tokens, energy, names, pathways = draw(law_of, regime, powers)
        for model, sample in energy.items():
            note("energy", regime, model, "baseline", sample=sample)
        for pathway, sample in pathways.items():
            note("energy", regime, "frontier blend", pathway, sample=sample)
        untrimmed = np.concatenate([energy[model] for model in names])
        note("energy", regime, "frontier blend untrimmed", "baseline", sample=untrimmed)
        place = -1 if regime == "traditional" else 0
        note("tokens", regime, sample=list(tokens.values())[place])
        np.random.seed(42)
        _, _, _, pathways = draw(law_of, regime, powers, coupled=True)
        for pathway, sample in pathways.items():
            note("power_utilisation_coupling", regime, pathway, sample=sample)
        np.random.seed(42)
        for length in (500, 1000, 5000):
            _, _, names, pathways = draw(law_of, regime, powers, length=length, charged=True)
            numbers["blend", regime, length] = names
            for pathway, sample in pathways.items():
                note("input_tokens", regime, length, pathway, sample=sample)
        for pathway, values in fleet(law_of, regime, powers).items():
            for name, value in values.items():
                numbers["fleet", regime, pathway, name] = value
    return numbers
