/* Energy of a query of given lengths: a log-normal, in closed form. Eq. 1, the units and the mixing of a fleet
   are those of the library, which explorer/translated.py puts into 'library'. Nothing here touches the page. */
"use strict";

const engine = (() => {
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

  /* Seconds of the node, part by part. Each law as in workflow/inference_energy/laws; `load` is what one
     copy of the model is given at once, where the law knows that.
     A law may also say: cacheIsFree, that cached input costs nothing, as its reading is not told from
     the computing; holds, how many queries of these lengths one copy holds at once; ways, its ways to
     serve at a load; knowsLoad, whether these have loads; spread, what its sigma is of. */
  const laws = {
    "log-linear": {
      cacheIsFree: true,
      parts: (law, query) => ({ "output tokens": query.output / logLinear(law, query) }),
      sigma: (law) => law.sigma,
    },
    peak: {
      cacheIsFree: true,
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
    "at-load": {
      parts: (law, query, load) => {
        const found = {};
        timesAtLoad(law, query, load).forEach((time, j) => {
          const cause = CAUSES[law.serving.parts[law.known.parts[j]]];
          found[cause] = (found[cause] ?? 0) + time;
        });
        return found;
      },
      sigma: (law, { input, output }, load) => {
        const times = timesAtLoad(law, { input, cached: 0, output }, load);
        const whole = sum(times);
        const change = [...times.map((time) => time / whole), ...along(law, input, output)];
        let [variance, place] = [law.known.scatter ** 2, 0];
        change.forEach((a, i) => {
          for (let j = i; j < change.length; j += 1) {
            const term = a * law.known.covariance[place] * change[j];
            variance += i === j ? term : 2 * term;
            place += 1;
          }
        });
        return Math.sqrt(variance);
      },
      holds: ({ traits, serving }, { input, output }) =>
        Math.min(traits.cache_tokens / Math.max(input + output, serving.length_floor), serving.largest_batch),
    },
    /* The log-normal with the mean and the spread of several ways to serve, at equal power. */
    pooled: {
      parts: (law, query, load) => {
        const each = waysAt(law, load).map((way) => ({ way, ...timed(way, query) }));
        const total = Math.exp(sum(each.map(({ way, log }) => way.weight * log)));
        const found = {};
        for (const { way, parts, seconds } of each)
          for (const [cause, time] of Object.entries(parts))
            found[cause] = (found[cause] ?? 0) + way.weight * (time / seconds) * total;
        return found;
      },
      ways: (law, load) => waysAt(law, load),
      knowsLoad: (law) => law.ways.every((way) => way.load !== null),
      sigma: (law, query, load) => Math.hypot(...Object.values(laws.pooled.spread(law, query, load))),
      spread: (law, query, load) => {
        const ways = waysAt(law, load);
        const logs = ways.map((way) => timed(way, { ...query, cached: 0 }).log);
        const middle = sum(ways.map((way, i) => way.weight * logs[i]));
        const within = ways.map((way) => way.weight * laws[way.of.kind].sigma(way.of, query, way.given) ** 2);
        const between = ways.map((way, i) => way.weight * (logs[i] - middle) ** 2);
        return { "throughput law": Math.sqrt(sum(within)), "ways to serve": Math.sqrt(sum(between)) };
      },
    },
  };

  /* Node time of a query by part of the serving law, in the order of the factors that it knows. */
  const timesAtLoad = (law, { input, cached, output: written }, load) => {
    const { traits: t, serving, known } = law;
    const output = Math.max(written, serving.length_floor);
    const computed = input - cached;
    const limits = [load, t.cache_tokens / Math.max(input + output, serving.length_floor), serving.largest_batch];
    const batch = sum(limits.map((limit) => limit ** -serving.smoothness)) ** (-1 / serving.smoothness);
    const step = output / batch;
    const dense = step * t.dense_s;
    const experts = step * t.experts_s * (1 - (1 - t.expert_share) ** Math.max(batch, 1));
    const compute = output * t.compute_s;
    const prefill = computed * t.compute_s;
    const context = input + output / 2;
    const most = t.index_tokens ?? Infinity;
    const cache = output * (Math.min(context, most) * t.cache_s + context * t.index_cache_s);
    const pairs = pairsOf(input, Infinity) - pairsOf(cached, Infinity);
    const selected = pairsOf(input, most) - pairsOf(cached, most);
    const ring = (2 * (t.group - 1)) / t.group;
    const small = 1 / (1 + ((batch * t.message_bytes) / serving.small_message) ** 2);
    const parts = {
      weights: dense * (1 - t.four_bit),
      weights_4bit: dense * t.four_bit,
      experts: experts * (1 - t.four_bit),
      experts_4bit: experts * t.four_bit,
      step: step * t.layers,
      step_routing: step * t.layers * t.routing,
      step_latent: step * t.layers * t.latent,
      step_indexed: step * t.layers * t.indexed,
      step_reduction: step * t.layers * t.several,
      compute,
      narrow: (compute * t.narrowness) / (1 + (batch * t.expert_share) / serving.expert_rows),
      link: output * t.link_s * (ring + (t.group - 1 - ring) * small),
      token: output * (1 - t.overlapped),
      token_hidden: output * t.overlapped,
      cache: cache * (1 - t.latent),
      cache_latent: cache * t.latent,
      state: output * t.state_s,
      prefill_compute: prefill * (1 - t.mixture),
      prefill_mixture: prefill * t.mixture,
      prefill_narrow: prefill * t.narrowness,
      prefill_link: computed * t.link_s * ring,
      prefill_attention: pairs * t.attention_s * (1 - t.indexed),
      prefill_selected: (selected * t.attention_s + pairs * t.index_s) * t.indexed,
      prefill_step: t.layers,
      prefill_request: 1,
      prefill_latency: 1 / batch,
    };
    const drift = Math.exp(sum(along(law, computed, output).map((value, j) => value * known.slopes[j])));
    const names = known.parts.map((place) => serving.parts[place]);
    const alone = names.map((name, j) => (parts[name] * Math.exp(known.factors[j]) * drift) / law.copies);
    return overlapped(alone, names.map((name) => serving.hidden.includes(name)));
  };
  /* Times of parts, of which the hidden ones pass while the others do: shares of the time that both take. */
  const overlapped = (alone, hidden) => {
    const both = [false, true].map((kind) => sum(alone.filter((_, j) => hidden[j] === kind)));
    return alone.map((time, j) => (time * both[Number(hidden[j])]) / Math.hypot(...both));
  };
  /* Twice the pairs of a token and one of at most `most` before it. */
  const pairsOf = (tokens, most) => {
    const near = Math.min(tokens, most);
    return near * (2 * tokens - near);
  };
  /* What the slopes of a law with load go along: computed input and output. */
  const along = ({ serving: { near, short, length_floor } }, input, output) =>
    [input, Math.max(output, length_floor)].map((tokens) => Math.log((tokens + short) / (near + short)));
  const CAUSES = {
    weights: "reading the weights",
    weights_4bit: "reading the weights",
    experts: "reading the weights",
    experts_4bit: "reading the weights",
    step: "starting each step",
    step_routing: "starting each step",
    step_latent: "starting each step",
    step_indexed: "starting each step",
    step_reduction: "starting each step",
    compute: "computing the output",
    narrow: "computing the output",
    link: "links between GPUs",
    token: "scheduling and sampling",
    token_hidden: "scheduling and sampling",
    cache: "attention: reading the cache",
    cache_latent: "attention: reading the cache",
    state: "attention: reading the cache",
    prefill_compute: "computing the input",
    prefill_mixture: "computing the input",
    prefill_narrow: "computing the input",
    prefill_link: "links between GPUs",
    prefill_attention: "attention over the input",
    prefill_selected: "attention over the input",
    prefill_step: "starting the prefill",
    prefill_request: "starting the prefill",
    prefill_latency: "starting the prefill",
  };

  /* Ways of a pool: all of them at their own loads, or every kind of node and engine at one load of the
     node, in the layout that it has at the nearest one, its power interpolated. */
  const waysAt = (law, load) => {
    const known = law.ways.map((way) => ({ ...way, of: law.laws[way.law], given: (way.load ?? Infinity) / way.copies }));
    const chosen = load === null ? known : atOneLoad(known, load);
    const whole = sum(chosen.map((way) => way.weight));
    return chosen.map((way) => ({ ...way, weight: way.weight / whole }));
  };
  const atOneLoad = (known, load) => {
    const kinds = new Map();
    for (const way of known) {
      const name = `${way.node}|${way.engine}`;
      kinds.set(name, [...(kinds.get(name) ?? []), way]);
    }
    return [...kinds.values()].map((own) => {
      const sorted = own.toSorted((a, b) => a.load - b.load);
      const logs = sorted.map((way) => Math.log(way.load));
      const away = logs.map((each) => Math.abs(each - Math.log(load)));
      const near = sorted[away.indexOf(Math.min(...away))];
      const power = Math.exp(interpolated(Math.log(load), logs, sorted.map((way) => Math.log(way.power))));
      return { ...near, weight: sum(own.map((way) => way.weight)), power, load, given: load / near.copies };
    });
  };
  /* Linear interpolation, held beyond the ends. */
  const interpolated = (x, xs, ys) => {
    const above = xs.findIndex((each) => each >= x);
    if (above <= 0) return above ? ys.at(-1) : ys[0];
    const share = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
    return ys[above - 1] + share * (ys[above] - ys[above - 1]);
  };
  /* Time of the node by part, all of it, and its logarithm at the power of a node whose power is one. */
  const timed = (way, query) => {
    const parts = laws[way.of.kind].parts(way.of, query, way.given);
    const seconds = sum(Object.values(parts));
    return { parts, seconds, log: Math.log(way.power * seconds) };
  };
  const logLinear = (law, { input, cached, output }) => {
    const log = (tokens) => Math.log(Math.max(tokens, law.floor));
    const [a, b] = law.exponents;
    return Math.min(Math.exp(law.intercept + a * log(input - cached) + b * log(output)), law.peak);
  };

  /* What laws with load know, in full, from how the content has it: without saying anything twice. */
  const knowledge = ({ known, present, steps }) =>
    known.map(([parts, factors, slopes, scatter, covariance, ofEngine]) => ({
      parts: present[parts],
      factors: decoded(factors, steps.factors),
      slopes,
      scatter,
      covariance: decoded(covariance, steps.covariance),
      ofEngine,
    }));
  /* Ways to serve a model, likewise; known is what laws know. */
  const unpacked = (serving, known, { laws: given, ways }) => {
    const ofLaw = (law) => {
      if (!Array.isArray(law)) return law;
      const [place, layout, copies] = law;
      const values = serving.layouts[layout].map((value, j) => [serving.traits[j], serving.values[j][value]]);
      const traits = { ...Object.fromEntries(values), [serving.of_engine]: known[place].ofEngine };
      return { kind: "at-load", serving, traits, copies, known: known[place] };
    };
    const column = (place) => serving.columns[place];
    return {
      kind: "pooled",
      laws: given.map(ofLaw),
      ways: ways.flatMap(([node, engine, weights, loads, copies, laws, coded]) => {
        const powers = decoded(coded, serving.steps.powers);
        return laws.map((law, i) => ({
          node, engine, law, power: powers[i],
          weight: column(weights)[i], load: column(loads)[i], copies: column(copies)[i],
        }));
      }),
    };
  };
  /* Numbers in steps, from signed whole numbers of so many bytes, lowest first, in base64. */
  const decoded = (text, [step, size]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    // the highest byte goes to the top of 32 bits, so that its sign is kept
    const spare = 32 - 8 * size;
    const whole = (i) =>
      (bytes.subarray(size * i, size * (i + 1)).reduce((all, byte, k) => all | (byte << (8 * k)), 0) << spare) >> spare;
    return Float64Array.from({ length: bytes.length / size }, (_, i) => whole(i) * step);
  };

  /* Energy of one query.
     method: factors and charges; place: a configuration; query: input, cached, output [tokens];
     stated: power [kW], utilisation and pue as { p5, p95 }; load of the node [requests], null for the
     loads that the method itself has. */
  const answer = (method, place, query, stated, load = null) => {
    const law = laws[place.law.kind];
    const seconds = { ...law.parts(place.law, query, load) };
    if (method.ratio !== null) {
      const throughput = query.output / sum(Object.values(seconds));
      const charged = library.charged_tokens(0, query.input - query.cached, method.ratio);
      seconds["input that is charged"] = library.node_seconds(charged, throughput);
    }
    const total = sum(Object.values(seconds));
    const throughput = query.output / total;
    const relative = relativePower(place.law, load);
    const pue = logNormal(stated.pue, method.z);
    const utilisation = used(method, place, throughput, stated.utilisation);
    const errors = method.uncertain ? spreadOf(law, place.law, query, load) : {};
    const error = { mu: 0, sigma: Math.hypot(...Object.values(errors)) };
    const full = fixed(library.node_energy(total, stated.power));
    const node = times(full, utilisation, error);
    const energy = times(node, pue);
    const share = (part) => (energy.sigma ? part.sigma ** 2 / energy.sigma ** 2 : 0);
    return {
      energy,
      node,
      throughput: throughput * relative,
      seconds: total / relative,
      parts: Object.fromEntries(
        Object.entries(seconds).map(([name, s]) => [name, (s / total) * Math.exp(node.mu)]),
      ),
      overhead: Math.exp(energy.mu) - Math.exp(node.mu),
      spread: {
        utilisation: share(utilisation),
        PUE: share(pue),
        ...Object.fromEntries(Object.entries(errors).map(([name, sigma]) => [name, share({ sigma })])),
      },
      draws: library.drawn_power(stated.power * relative, Math.exp(utilisation.mu)),
      standing: standing(method, place, load),
      outside: outside(place.law.domain, query),
    };
  };
  const spreadOf = (law, of, query, load) =>
    law.spread ? law.spread(of, query, load) : { "throughput law": law.sigma(of, query, load) };
  /* Power of the node over what the method states, in the middle of its ways to serve [1]. */
  const relativePower = (law, load) =>
    Math.exp(sum(waysOf(law, load).map((way) => way.weight * Math.log(way.power))));
  /* Shares of the node's power that it draws whatever it serves; null where nodes are not told apart. */
  const standing = (method, place, load) => {
    const ways = waysOf(place.law, load);
    if (!ways.length || !Object.keys(method.idle).length) return null;
    const typical = place.power * Math.exp(logNormal(method.utilisation, method.z).mu);
    const found = { host: 0, gpus: 0 };
    for (const way of ways) {
      const { host, idle } = method.idle[way.node];
      found.host += (way.weight * host) / (typical * way.power);
      found.gpus += (way.weight * (idle - host)) / (typical * way.power);
    }
    return found;
  };
  /* None where a law is of one node alone. */
  const waysOf = (law, load) => laws[law.kind].ways?.(law, load) ?? [];
  const used = (method, place, throughput, stated) => {
    if (!("slope" in method.utilisation)) return logNormal(stated, method.z);
    const { intercept, slope } = method.utilisation;
    return fixed(library.coupled_utilisation(throughput, place.largest, intercept, slope));
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
    const node = library.drawn_power(stated.power / place.power, coupled ? 1 : ratio("utilisation"));
    return { node, facility: library.facility_energy(node, ratio("pue")) };
  };

  /* Queries of these lengths that a node holds at once: the least and the most over a law's ways to serve;
     no end where the law does not know. */
  const holds = (law, query, load) => {
    const ways = load === null ? [] : waysOf(law, load);
    if (!ways.length) return [Infinity, Infinity];
    const each = ways.map(({ of, copies }) => copies * (laws[of.kind].holds?.(of, query) ?? Infinity));
    return [Math.min(...each), Math.max(...each)];
  };
  const cacheIsFree = (law) => laws[law.kind].cacheIsFree ?? false;
  const knowsLoad = (law) => laws[law.kind].knowsLoad?.(law) ?? false;

  return { knowledge, unpacked, knowsLoad, holds, cacheIsFree, logNormal, fixed, times, quantile, mean, density, answer, change };
})();
