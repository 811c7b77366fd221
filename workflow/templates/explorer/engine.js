/* Eq. 1 for a query of given lengths: a log-normal energy, in closed form. Nothing here touches the page. */
"use strict";

const engine = (() => {
  const LENGTH_FLOOR = 1e-6; // tokens; as in the throughput laws
  const units = { SECONDS_TO_WH_PER_KW: 1 / 3.6, MILLI: 1e-3, GIGA: 1e9 }; // as in units.py
  const LEVELS = {
    p5: -1.6448536269514729,
    p25: -0.6744897501960817,
    p50: 0,
    p75: 0.6744897501960817,
    p95: 1.6448536269514722,
  };

  /* A factor with its 5th and 95th percentile; z is the normal quantile that a method uses for it. */
  const logNormal = ({ p5, p95 }, z) => {
    const sigma = Math.log(p95 / p5) / (2 * z);
    return { mu: Math.log(p5) + z * sigma, sigma };
  };
  const times = (...factors) => ({
    mu: factors.reduce((sum, factor) => sum + factor.mu, 0),
    sigma: Math.hypot(...factors.map((factor) => factor.sigma)),
  });
  const fixed = (value) => ({ mu: Math.log(value), sigma: 0 });
  const quantile = ({ mu, sigma }, level) => Math.exp(mu + sigma * LEVELS[level]);
  const mean = ({ mu, sigma }) => Math.exp(mu + (sigma * sigma) / 2);
  const density = ({ mu, sigma }, x) => {
    const z = (Math.log(x) - mu) / sigma;
    return Math.exp(-(z * z) / 2) / (sigma * Math.sqrt(2 * Math.PI)); // per unit of ln x
  };

  /* Seconds of the node, part by part. Each law as in workflow/inference_energy/laws. */
  const laws = {
    "log-linear": {
      parts: (law, query) => ({ "output tokens": query.output / logLinear(law, query) }),
      sigma: (law) => law.sigma,
    },
    peak: {
      parts: (law, query) => ({ "output tokens": query.output / law.peak }),
      sigma: (law) => law.sigma,
    },
    additive: {
      parts: (law, { input, cached, output }) => {
        const [token, computed, attention, reserved, context] = law.coefficients;
        return {
          "output tokens": token * output,
          "input tokens": computed * (input - cached),
          "attention over the input": attention * (input ** 2 - cached ** 2),
          "memory held for the query": reserved * (input + output) * output,
          "reading the context": context * (input + output / 2) * output,
        };
      },
      sigma: (law, { input, output }) => {
        const terms = [1, input / output, input ** 2 / output, input + output, input + output / 2];
        const parts = terms.map((term, i) => term * law.coefficients[i]);
        const whole = parts.reduce((a, b) => a + b, 0);
        let variance = law.noise ** 2;
        parts.forEach((a, i) =>
          parts.forEach((b, j) => {
            variance += (a / whole) * law.covariance[i][j] * (b / whole);
          }),
        );
        return Math.sqrt(variance);
      },
    },
  };
  const logLinear = (law, { input, cached, output }) => {
    const log = (tokens) => Math.log(Math.max(tokens, LENGTH_FLOOR));
    const [a, b] = law.exponents;
    return Math.min(Math.exp(law.intercept + a * log(input - cached) + b * log(output)), law.peak);
  };

  /* Energy of one query.
     method: factors and charges; place: a configuration; query: input, cached, output [tokens];
     stated: power [kW], utilisation and pue as { p5, p95 }. */
  const answer = (method, place, query, stated) => {
    const law = laws[place.law.kind];
    const seconds = { ...law.parts(place.law, query) };
    if (method.ratio !== null) {
      const charged = (query.input - query.cached) / method.ratio / query.output;
      seconds["input that is charged"] = charged * sum(Object.values(seconds));
    }
    const total = sum(Object.values(seconds));
    const throughput = query.output / total;
    const pue = logNormal(stated.pue, method.z);
    const utilisation = used(method, place, throughput, stated.utilisation);
    const error = { mu: 0, sigma: method.uncertain ? law.sigma(place.law, query) : 0 };
    const full = fixed(total * stated.power * units.SECONDS_TO_WH_PER_KW);
    const node = times(full, utilisation, error);
    const energy = times(node, pue);
    const share = (part) => (energy.sigma ? part.sigma ** 2 / energy.sigma ** 2 : 0);
    return {
      energy,
      node,
      throughput,
      seconds: total,
      parts: Object.fromEntries(
        Object.entries(seconds).map(([name, s]) => [name, (s / total) * Math.exp(node.mu)]),
      ),
      overhead: Math.exp(energy.mu) - Math.exp(node.mu),
      spread: { utilisation: share(utilisation), PUE: share(pue), "throughput law": share(error) },
      outside: outside(place.law.domain, query),
    };
  };
  const used = (method, place, throughput, stated) => {
    if (!("slope" in method.utilisation)) return logNormal(stated, method.z);
    const { intercept, slope } = method.utilisation;
    return fixed(intercept + slope * Math.min(throughput / place.largest, 1));
  };
  const outside = (domain, query) =>
    ["input", "output"].filter((name) => {
      const [low, high] = domain[name];
      return (low !== null && query[name] < low) || (high !== null && query[name] > high);
    });
  const sum = (values) => values.reduce((a, b) => a + b, 0);

  /* What stated factors do to the mean energy of a method's own queries: at the meter of the node,
     and of the facility. Every model's node power changes in the same proportion. */
  const change = (method, place, stated) => {
    const ratio = (name) =>
      mean(logNormal(stated[name], method.z)) / mean(logNormal(method[name], method.z));
    const coupled = "slope" in method.utilisation;
    const node = (stated.power / place.power) * (coupled ? 1 : ratio("utilisation"));
    return { node, facility: node * ratio("pue") };
  };
  const mix = (share, traditional, long) => (1 - share) * traditional + share * long;

  return { units, logNormal, fixed, times, quantile, mean, density, answer, change, mix };
})();
