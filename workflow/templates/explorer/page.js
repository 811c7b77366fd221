/* What is picked, where it is kept, and what is shown for it. */
"use strict";

const explorer = (() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const $ = (id) => document.getElementById(id);
  const METHODS = content.methods;
  const known = engine.knowledge(content.serving);
  const UNMEASURED = content.serving.unmeasured;
  for (const method of Object.values(METHODS)) {
    const pools = {};
    for (const place of method.configurations) {
      if (!place.law.nodes) continue;
      const pool = (pools[place.model] ??= engine.unpacked(content.serving, known, method.pools[place.model]));
      const ways = pool.ways.filter((way) => place.law.nodes.includes(way.node));
      place.law = { ...pool, ...place.law, ways };
    }
  }
  const FIRST = "oviedo2026" in METHODS ? "oviedo2026" : Object.keys(METHODS)[0];
  const PLACE = ["model", "gpu", "precision", "load"];
  const NUMBERS = ["requests", "input", "cached", "output", "power", "pu5", "pu95", "pue5", "pue95", "queries", "share"];
  const KEYS = ["method", ...PLACE, "grid", ...NUMBERS];
  const REGIMES = ["traditional", "long"];
  const Z = 1.645; // of the ranges of water and carbon, as in the run
  const OPTIONAL = ["requests"];
  const LABELS = {
    method: "Method", model: "Model", gpu: "Hardware", precision: "Number format", load: "Load", grid: "Grid",
    requests: "Load",
    input: "Input", cached: "Cached input", output: "Output", power: "Maximum power",
    pu5: "Utilisation, P5", pu95: "Utilisation, P95", pue5: "PUE, P5", pue95: "PUE, P95",
    queries: "Queries a day", share: "Share of long queries",
  };
  const BLEND = "frontier blend";
  const SPELLED = /^-?\d*\.?\d+(e[-+]?\d+)?$/i; // as a field for numbers can show it

  /* Numbers: three significant digits, thousands apart, never an exponent. */
  const number = (value, digits = 3) => {
    if (value === 0) return "0";
    const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
    const [whole, ...decimals] = value.toFixed(Math.min(Math.max(digits - 1 - exponent, 0), 100)).split(".");
    return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...decimals].join(".");
  };
  const grouped = (value) => number(Math.round(value), String(Math.round(value)).length);
  const percent = (share, digits) => `${number(library.units.PERCENT * share, digits)} %`;
  const rounded = (value) => Number(value.toPrecision(6));
  const marked = (name, text) => `<span data-number="${name}">${text}</span>`;
  const interval = (of, scale = 1) =>
    `${number(of("p50") * scale)} (${number(of("p5") * scale)}–${number(of("p95") * scale)})`;
  const escaped = (text) =>
    String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const link = (text, path, first, last = first) => {
    const place = first === undefined ? "" : first === last ? `line ${first}` : `lines ${first} to ${last}`;
    const mark = first === undefined ? "" : `#L${first}${last === first ? "" : `-L${last}`}`;
    return `<a href="../../${encodeURI(path)}${mark}" title="${escaped(path)}${place && `, ${place}`}">${escaped(text)}</a>`;
  };
  /* A narrow screen shows each row under its heading; the roles keep it a table for screen readers. */
  const table = (caption, header, rows) =>
    `<table role="table"><caption>${caption}</caption><thead role="rowgroup"><tr role="row">${header
      .map((cell) => `<th scope="col" role="columnheader">${cell}</th>`)
      .join("")}</tr></thead><tbody role="rowgroup">${rows
      .map((row) => `<tr role="row">${row.map((cell, i) => (i ? `<td role="cell" data-of="${header[i]}">${cell}</td>` : `<th scope="row" role="rowheader">${cell}</th>`)).join("")}</tr>`)
      .join("")}</tbody></table>`;

  /* --- what is picked ---------------------------------------------------------------------- */

  const text = (load) => (load === null ? "" : String(load));
  const value = (place, key) => (key === "load" ? text(place.load) : place[key]);

  /* Choices of a key given the ones before it; the method's own node comes first. */
  const choices = (method, picked, key) => {
    const before = PLACE.slice(0, PLACE.indexOf(key));
    const left = method.configurations.filter((place) => before.every((k) => value(place, k) === picked[k]));
    return [...new Set(left.map((place) => value(place, key)))];
  };
  const own = (method, picked, key) => {
    const before = PLACE.slice(0, PLACE.indexOf(key));
    const fits = method.configurations.filter((place) => before.every((k) => value(place, k) === picked[k]));
    const first = key === "model" ? fits.find((place) => place.model === method.first) : undefined;
    return value(first ?? fits.find((place) => place.own) ?? fits[0], key);
  };

  /* Everything that is picked: what is stated, and defaults for the rest, as text. */
  const complete = (stated) => {
    const picked = { method: Object.hasOwn(METHODS, stated.method) ? stated.method : FIRST };
    const method = METHODS[picked.method];
    for (const key of PLACE) {
      const known = choices(method, picked, key);
      picked[key] = known.includes(stated[key]) ? stated[key] : own(method, picked, key);
    }
    const place = method.configurations.find((each) => PLACE.every((key) => value(each, key) === picked[key]));
    const grids = content.intensities.operational_carbon.settings;
    picked.grid = Object.hasOwn(grids, stated.grid) ? stated.grid : "range";
    const traditional = method.regimes.traditional;
    const factors = [method.utilisation, method.pue];
    const defaults = {
      requests: "",
      input: traditional.input, cached: 0, output: traditional.output, power: place.power,
      // fields show six digits, and what is not edited counts in full
      pu5: rounded(factors[0].p5 ?? 1), pu95: rounded(factors[0].p95 ?? 1), pue5: factors[1].p5, pue95: factors[1].p95,
      queries: method.queries_per_day / library.units.GIGA, share: library.units.PERCENT * method.long_share,
    };
    for (const key of NUMBERS) picked[key] = stated[key] ?? String(defaults[key]);
    if (!engine.knowsLoad(place.law)) picked.requests = "";
    return { picked, method, place, defaults };
  };

  /* Fields that are wrong, and what is allowed; `together` are the fields of one condition. */
  const TOGETHER = { pu5: ["pu5", "pu95"], pue5: ["pue5", "pue95"] };
  const problems = ({ picked, place }) => {
    const found = {};
    for (const key of NUMBERS) {
      const { min, max } = $(key);
      const empty = picked[key].trim() === "";
      if (empty && OPTIONAL.includes(key)) continue;
      const given = SPELLED.test(picked[key]) ? Number(picked[key]) : NaN;
      if (!(given >= Number(min) && given <= Number(max)))
        found[key] = `${LABELS[key]}: allowed is a number from ${min} to ${max}.`;
    }
    const above = (low, high, words) => {
      if (!found[low] && !found[high] && Number(picked[low]) > Number(picked[high])) found[low] = words;
    };
    above("cached", "input", "Cached input: allowed is at most the input.");
    above("pu5", "pu95", "Utilisation: P5 is above P95.");
    above("pue5", "pue95", "PUE: P5 is above P95.");
    const { longest, times } = contextOf(place);
    if (!found.input && !found.output && Number(picked.input) + Number(picked.output) > times * longest)
      found.output = `Output: allowed with this input is at most ${number(times, 1)} times the longest context of ${place.model}, ${grouped(longest)} tokens, less the input.`;
    return found;
  };
  const contextOf = (place) => ({ longest: content.contexts.longest[place.model] ?? Infinity, times: content.contexts.times });

  /* --- where it is kept: the address ------------------------------------------------------- */

  const address = () => [...new URLSearchParams(location.hash.slice(1))];
  const read = () => Object.fromEntries(address().filter(([key]) => KEYS.includes(key)));
  /* A step of its own can be gone back to. */
  const go = (hash, step) => {
    const target = hash ? `#${hash}` : location.pathname + location.search;
    history[step ? "pushState" : "replaceState"](null, "", target);
  };
  const keep = (stated, step) => {
    const { picked, defaults } = complete(stated);
    const kept = new URLSearchParams();
    for (const key of KEYS) {
      if (!(key in stated)) continue;
      const changed = NUMBERS.includes(key) ? picked[key] !== String(defaults[key]) : picked[key] === stated[key];
      if (changed) kept.set(key, picked[key]);
    }
    go(kept.toString(), step);
  };
  /* What is stated and not shown, a sentence each. */
  const passedOver = (stated) => {
    const { picked, method, place } = complete(stated);
    const asked = (key) => `${LABELS[key]}: “${stated[key].slice(0, 60)}”`;
    const unknown = (key) =>
      ["method", "grid"].includes(key) ? "is not known" : `is not known to ${picked.method}${key === "model" ? "" : ` for ${picked.model}`}`;
    const told = [];
    for (const key of ["method", ...PLACE, "grid"])
      if (key in stated && picked[key] !== stated[key] && !(key === "load" && engine.knowsLoad(place.law)))
        told.push(`${asked(key)} ${unknown(key)}; shown instead: ${picked[key] || "as benchmarked"}.`);
    if ((stated.requests ?? "") !== picked.requests) told.push(`${asked("requests")} is left out: ${picked.method} does not know load.`);
    if ((stated.load ?? "") !== picked.load && engine.knowsLoad(place.law)) told.push(`${asked("load")} is left out: ${picked.method} takes any load as “requests”.`);
    if ("slope" in method.utilisation)
      for (const key of ["pu5", "pu95"]) if (key in stated) told.push(`${asked(key)} is left out: ${picked.method} gives it by the throughput.`);
    return told;
  };
  /* An address that asks for what is not here is corrected, and the page says what it asked for. */
  const arrive = () => {
    const given = address();
    const told = [...new Set(given.map(([key]) => key))].flatMap((key) => {
      const times = given.filter(([other]) => other === key).length;
      if (!KEYS.includes(key)) return [`“${key.slice(0, 60)}” is no setting of this page and is left out.`];
      return times > 1 ? [`${LABELS[key]}: the address has it ${times} times; the last is shown.`] : [];
    });
    const stated = read();
    told.push(...passedOver(stated));
    for (let state = complete(stated), found = problems(state); Object.keys(found).length; state = complete(stated), found = problems(state)) {
      const at = [...new Set(Object.keys(found).flatMap((key) => TOGETHER[key] ?? [key]))].filter((key) => key in stated);
      // a default that is too long with what is stated
      const wrong = at.length ? at : ["input", "cached"].filter((key) => key in stated);
      // of a model for whose context the method's own query is too long
      if (!wrong.length) break;
      const before = Object.fromEntries(wrong.map((key) => [key, stated[key]]));
      for (const key of wrong) delete stated[key];
      const { picked } = complete(stated);
      told.push(...Object.values(found), ...wrong.map((key) => `Asked for was ${LABELS[key]} “${before[key].slice(0, 60)}”; shown instead: ${picked[key] || "all loads of the method"}.`));
    }
    if (told.length) keep(stated);
    $("notice").textContent = told.join(" ");
    show();
  };

  /* --- what is shown ----------------------------------------------------------------------- */

  const LOADS = (load) => (load === "" ? "as benchmarked, not stated" : `${load} requests`);
  const SEVERAL = { gpu: "all of the method's nodes", precision: "as these nodes have it" };
  const pooled = (key, known) => (name) =>
    name === "several" ? (known ? SEVERAL[key] : `several ${key === "gpu" ? "GPUs" : "formats"}, by its rows`) : name;
  const options = (id, values, label = (v) => v) => {
    $(id).innerHTML = values.map((v) => `<option value="${escaped(v)}">${escaped(label(v))}</option>`).join("");
  };
  /* Models of the method first, then those that its laws know besides. */
  const modelOptions = (method, models) => {
    const own = models.filter((name) => name in method.own.traditional);
    const others = models.filter((name) => !own.includes(name));
    const group = (label, names) =>
      `<optgroup label="${label}">${names.map((v) => `<option>${escaped(v)}</option>`).join("")}</optgroup>`;
    if (!others.length) return options("model", own);
    $("model").innerHTML =
      group("In the method's estimate", own) +
      group("Not in it, but measured", others.filter((name) => !UNMEASURED.includes(name))) +
      group("From their architecture alone", others.filter((name) => UNMEASURED.includes(name)));
  };
  const showControls = ({ picked, method, place }) => {
    const known = engine.knowsLoad(place.law);
    $("measured").hidden = known;
    $("free").hidden = !known;
    $("byload").hidden = !known;
    options("method", Object.keys(METHODS));
    $("title").textContent = method.title;
    modelOptions(method, choices(method, picked, "model"));
    for (const key of PLACE.slice(1)) options(key, choices(method, picked, key), key === "load" ? LOADS : pooled(key, known));
    $("more").hidden = !(known && UNMEASURED.includes(picked.model));
    const grids = content.intensities.operational_carbon.settings;
    options("grid", ["range", ...Object.keys(grids)], (name) =>
      name === "range" ? "range over the world" : `${grids[name].subject}: ${grids[name].value} g/kWh`,
    );
    for (const key of KEYS) {
      const given = NUMBERS.includes(key) && !SPELLED.test(picked[key]) ? "" : picked[key];
      if ($(key).value !== given) $(key).value = given;
    }
    $("slide").value = Number(picked.share) || 0;
    $("pu5").disabled = $("pu95").disabled = "slope" in method.utilisation;
  };

  const numbers = ({ picked, method, defaults }) => {
    const n = Object.fromEntries(NUMBERS.map((key) => [key, Number(picked[key])]));
    for (const [key, end] of [["pu5", "p5"], ["pu95", "p95"]])
      if (picked[key] === String(defaults[key])) n[key] = method.utilisation[end] ?? n[key];
    return {
      query: { input: n.input, cached: n.cached, output: n.output },
      stated: { power: n.power, utilisation: { p5: n.pu5, p95: n.pu95 }, pue: { p5: n.pue5, p95: n.pue95 } },
      queries: n.queries,
      share: n.share / library.units.PERCENT,
      load: picked.requests.trim() === "" ? null : n.requests,
    };
  };

  const showAnswer = ({ picked, method, place }, { query, stated, load }) => {
    const answer = engine.answer(method, place, query, stated, load);
    const of = (level) => engine.quantile(answer.energy, level);
    // what the page computes rests on the node's row and on the method
    const computed = (text) => link(text, "results/explorer/configurations.csv", ...place.lines);
    const byMethod = (text) => link(text, `results/${picked.method}/method.yaml`);
    $("median").innerHTML = computed(number(of("p50")));
    const at = (level) => marked(level, computed(number(of(level))));
    $("sentence").innerHTML =
      `is the median of such a query. Half of the time it takes ${at("p25")} to ${at("p75")} Wh, nine times in ten` +
      ` ${at("p5")} to ${at("p95")} Wh. It takes ${marked("seconds", computed(number(answer.seconds)))} s of the whole node, which draws ${byMethod(number(answer.draws))} kW meanwhile and gives` +
      ` ${computed(`${number(answer.throughput)} output tokens a second`)} to all its queries together.`;
    const beyond = answer.outside.map((name) => {
      const [low, high] = place.law.domain[name];
      return `${name} (seen: ${computed(`${number(low)} to ${number(high)}`)} tokens)`;
    });
    const models = (tokens) => link(grouped(tokens), "data/models.csv");
    const { longest } = contextOf(place);
    const [least, most] = engine.holds(place.law, query, load);
    const over = [
      beyond.length ? `Beyond what the throughput law has seen: ${beyond.join(", ")}. The number is an extrapolation.` : "",
      query.input + query.output > longest
        ? `Longer than the model can hold: input and output are ${computed(grouped(query.input + query.output))} tokens, its longest context ${models(longest)}.`
        : "",
      load > most
        ? `This load does not fit: of queries of these lengths the node holds ${computed(grouped(Math.floor(most)))} at once. That many are counted, the others wait.`
        : load > least
          ? `This load does not fit on every node of the method: the smallest holds ${computed(grouped(Math.floor(least)))} queries of these lengths at once. That many are counted there, the others wait.`
          : "",
      query.cached > 0 && engine.cacheIsFree(place.law)
        ? "This law takes cached input for free, however long it is: it cannot tell the reading of a cache from the computing."
        : "",
    ];
    $("warning").innerHTML = over.filter(Boolean).join(" ");
    const published = REGIMES.flatMap((regime) =>
      method.claims
        .filter((claim) => claim.claim === `median-${regime}`)
        .map((claim) => ({ value: Number(claim.published), label: `paper, ${regime}` })),
    ).filter((each) => Number.isFinite(each.value));
    charts.distribution($("distribution"), answer.energy, published);
    charts.made($("made"), answer);
    const rows = Object.entries({ ...answer.parts, "what the facility adds": answer.overhead });
    $("parts").innerHTML = table(
      "Median energy, part by part",
      ["part", "Wh", "share"],
      rows.filter(([, wh]) => wh > 0).map(([name, wh]) => [name, computed(number(wh)), computed(percent(wh / of("p50"), 3))]),
    );
    const { standing } = answer;
    const nodes = (text) => link(text, "data/nodes.csv");
    $("standing").innerHTML = standing
      ? `Of the power that the node draws, ${nodes(percent(standing.host, 2))} is drawn whatever its GPUs do (processors, memory, fans at rest),` +
        ` ${nodes(percent(standing.gpus, 2))} goes to GPUs that would be idle, the rest to their work, its cooling and supply.`
      : "";
    const spread = Object.entries(answer.spread).filter(([, share]) => share > 0);
    const factor = (name) => (["utilisation", "PUE"].includes(name) ? byMethod : computed);
    $("spread").innerHTML = spread.length
      ? `Its range comes from ${spread.map(([name, share]) => `${name} (${factor(name)(percent(share, 2))})`).join(", ")}, as shares of the variance of ln E.`
      : "Every factor is fixed here, so that there is no range.";
    const curve = d3.range(1, 5.01, 0.05).map((power) => {
      const output = 10 ** power;
      const { energy } = engine.answer(method, place, { ...query, output }, stated, load);
      return { output, p5: engine.quantile(energy, "p5"), p50: engine.quantile(energy, "p50"), p95: engine.quantile(energy, "p95") };
    });
    const { longest: held, times } = contextOf(place);
    charts.lengths($("lengths"), curve.filter((each) => query.input + each.output <= times * held), { output: query.output, p50: of("p50") }, place.law.domain.output);
    if (engine.knowsLoad(place.law)) {
      const rows = d3.range(0, 3.31, 0.05).map((power) => {
        const { energy } = engine.answer(method, place, query, stated, 10 ** power);
        return { load: 10 ** power, p5: engine.quantile(energy, "p5"), p50: engine.quantile(energy, "p50"), p95: engine.quantile(energy, "p95") };
      });
      charts.loads($("loads"), rows, load === null ? [] : [{ load, p50: of("p50") }]);
    }
    const fitted = engine.knowsLoad(place.law)
      ? `Throughput law with load: ${computed("its nodes and their power")}; ${link("what it is fitted to, and how well it predicts", "docs/load.md")}.` +
        (place.rows.length ? " Rows of this model there: " : UNMEASURED.includes(place.model) ? "" : " No row is of this model on this node.")
      : `Throughput law: ${place.law.kind}, ${computed("its coefficients")}, fitted to `;
    const together = method.configurations.find((each) => each.model === place.model && each.gpu === "several");
    const foreign = engine.knowsLoad(place.law) && !place.law.nodes.every((node) => together?.law.nodes.includes(node));
    const rowsOf = ([path, first, last], i, all) => {
      const lines = link(last === first ? first : `${first}–${last}`, path, first, last);
      return i && all[i - 1][0] === path ? lines : `${path.split("/").pop()} ${lines}`;
    };
    $("basis").innerHTML =
      (foreign ? "The method's own estimate does not have this model on this node; its loads, engines and factors are taken for it. " : "") +
      fitted +
      place.rows.map(rowsOf).join(", ") +
      `${place.rows.length ? "." : ""} Power, utilisation, PUE and lengths: ${link("the method, resolved", `results/${picked.method}/method.yaml`)}.`;
    showWater(picked, answer, computed);
    return answer;
  };

  const carbonOf = (grid) => {
    const { range, settings } = content.intensities.operational_carbon;
    return grid === "range" ? { p5: range[0], p95: range[1] } : { p5: settings[grid].value, p95: settings[grid].value };
  };
  const showWater = (picked, answer, computed) => {
    const { on_site_water, generation_water } = content.intensities;
    const ends = ({ range: [p5, p95] }) => ({ p5, p95 });
    const source = (name, section) =>
      Object.values(section.settings).map((each) => link(each.subject, "data/facility.csv", each.line)).join(", ") || name;
    const carbon = content.intensities.operational_carbon;
    const rows = [
      ["water on the site", "mL", answer.node, ends(on_site_water), 1, source("", on_site_water)],
      ["water of electricity", "mL", answer.energy, ends(generation_water), 1, source("", generation_water)],
      ["carbon", "g", answer.energy, carbonOf(picked.grid), library.units.MILLI, picked.grid === "range" ? source("", carbon) : link(carbon.settings[picked.grid].subject, "data/facility.csv", carbon.settings[picked.grid].line)],
    ].map(([name, unit, energy, range, scale, sources]) => {
      const whole = engine.times(energy, engine.logNormal(range, Z));
      return [name, `${marked(name, computed(interval((level) => engine.quantile(whole, level), scale)))} ${unit}`, sources];
    });
    $("water").innerHTML = table("Median (P5–P95)", ["what", "per query", "intensity from"], rows);
  };

  const slug = (subject) => (subject === BLEND ? "" : `${subject.toLowerCase().replaceAll(" ", "-")}-`);
  const showOwn = ({ picked, method }) => {
    const path = `results/${picked.method}/energy_per_query.csv`;
    const shown = (engines, name) => {
      const of = engines?.[name];
      return of ? link(`${number(of.p50)} (${number(of.p25)}–${number(of.p75)})`, path, ...of.lines) : "";
    };
    const printed = (subject, regime) => {
      const of = (statistic) => method.claims.find((claim) => claim.claim === `${statistic}-${slug(subject)}${regime}`);
      const [middle, low, high] = [of("median"), of("p25"), of("p75")];
      if (!middle) return "";
      const range = low && high ? ` (${low.published}–${high.published})` : "";
      return `${link(middle.published + range, `results/${picked.method}/claims.csv`, middle.line)} <span class="verdict">${escaped(middle.verdict)}</span>`;
    };
    const rows = REGIMES.flatMap((regime) =>
      Object.entries(method.own[regime] ?? {}).map(([subject, engines]) => [
        escaped(subject), regime, shown(engines, "published"), shown(engines, "exact"), printed(subject, regime),
      ]),
    );
    $("energies").innerHTML = table("Energy per query [Wh], median (P25–P75)", ["subject", "queries", "seeded, as released", "without sampling", "the paper prints"], rows);
  };

  const showFleet = ({ picked, method, place }, { stated, queries, share }) => {
    const change = engine.change(method, place, stated);
    const scale = (queries * library.units.GIGA) / method.queries_per_day;
    const { fleet } = method;
    const day = (pathway, s) =>
      library.mix(s, fleet.traditional[pathway].value, fleet.long[pathway].value) * change.facility * scale;
    const shares = d3.range(0, 101, 2);
    const rows = ["baseline", "improved"].flatMap((pathway) =>
      shares.map((s) => ({ pathway, share: s, value: day(pathway, s / library.units.PERCENT) })),
    );
    const here = ["baseline", "improved"].map((pathway) => ({ share: library.units.PERCENT * share, value: day(pathway, share) }));
    const reference = content.references["web search per query"];
    const search = reference.value * queries;
    charts.fleet($("fleet"), rows, here, [{ value: search, label: "web search" }]);
    const path = `results/${picked.method}/fleet.csv`;
    const mixed = (pathway, value) => link(number(value), path, fleet.traditional[pathway].line, fleet.long[pathway].line);
    $("day").innerHTML =
      `${number(queries)} billion queries a day, ${percent(share, 3)} of them long, take <b><span id="baseline">${mixed("baseline", here[0].value)}</span> GWh</b> a day,` +
      ` and <span id="improved">${mixed("improved", here[1].value)}</span> GWh with the improvements that the paper assumes. As many web searches take ` +
      `${link(`${number(search)} GWh`, "data/published/references.csv", reference.line)}.`;
    const cell = (scenario, pathway) => link(number(fleet[scenario][pathway].value), path, fleet[scenario][pathway].line);
    const energy = ["traditional", "long", "mixed"].map((scenario) => [scenario, cell(scenario, "baseline"), cell(scenario, "improved")]);
    const prints = method.footprint;
    const foot = (boundary, setting, factor) => {
      const of = prints[boundary][setting];
      const whole = library.mix(share, of.traditional.value, of.long.value) * factor * scale;
      return link(number(whole), `results/${picked.method}/footprint.csv`, of.traditional.line, of.long.line);
    };
    $("days").innerHTML =
      table(`The method's own day [GWh], ${method.queries_per_day / library.units.GIGA} billion queries, ${library.units.PERCENT * method.long_share} % long where mixed`, ["queries", "baseline", "improved"], energy) +
      table("Water and carbon of the day above, mean", ["what", "a day"], [
        ["water on the site", `${foot("on-site water", "range", change.node)} m³`],
        ["water of electricity", `${foot("generation water", "range", change.facility)} m³`],
        ["carbon", `${foot("operational carbon", picked.grid, change.facility)} t`],
      ]);
  };

  const showClaims = ({ picked, method }) => {
    const counts = d3.rollups(method.claims, (some) => some.length, (claim) => claim.verdict);
    const path = `results/${picked.method}/claims.csv`;
    $("verdicts").innerHTML = counts.map(([verdict, n]) => link(`${n} ${verdict}`, path)).join(", ") + ".";
    const published = ({ published: text }) => (/^\d+$/.test(text) ? number(Number(text), text.length) : text.replace("-", "–"));
    const unit = (claim) => (claim.unit === "1" ? "" : ` ${escaped(claim.unit)}`);
    const rows = method.claims.map((claim) => [
      escaped(claim.statement),
      link(published(claim), "data/published/claims.csv", claim.printed) + unit(claim),
      claim.computed === null ? "" : link(number(claim.computed), path, claim.line) + unit(claim),
      `<span class="verdict">${escaped(claim.verdict)}</span>${claim.note && claim.note !== claim.statement ? `<br><span class="soft">${escaped(claim.note)}</span>` : ""}`,
    ]);
    $("claims").innerHTML = table("Published against computed", ["claim", "published", "computed", "verdict"], rows);
  };

  const show = () => {
    const state = complete(read());
    showControls(state);
    const found = problems(state);
    for (const key of NUMBERS) $(key).setAttribute("aria-invalid", key in found);
    $("problem").textContent = Object.values(found).join(" ");
    $("results").classList.toggle("stale", Object.keys(found).length > 0);
    if (Object.keys(found).length) return;
    const given = numbers(state);
    showAnswer(state, given);
    showOwn(state);
    showFleet(state, given);
    showClaims(state);
  };

  const pick = (changes, step = true) => {
    const stated = { ...read(), ...changes };
    $("notice").textContent = passedOver(stated).join(" ");
    keep(stated, step);
    show();
  };
  /* Typing a number, or moving the slider, is one step. */
  const typed = (id, key) => {
    let begun = false;
    $(id).addEventListener("input", () => {
      pick({ [key]: $(id).value }, !begun);
      begun = true;
    });
    $(id).addEventListener("change", () => (begun = false));
  };
  for (const key of NUMBERS) typed(key, key);
  typed("slide", "share");
  for (const key of KEYS.filter((each) => !NUMBERS.includes(each)))
    $(key).addEventListener("change", () => pick({ [key]: $(key).value }));
  for (const regime of REGIMES)
    $(regime).addEventListener("click", () => {
      const { input, output } = complete(read()).method.regimes[regime];
      pick({ input: String(input), cached: "0", output: String(output) });
    });
  $("controls").addEventListener("reset", (event) => {
    event.preventDefault();
    go("", true);
    arrive();
  });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    $("answer").focus();
  });
  window.addEventListener("hashchange", arrive);
  window.addEventListener("resize", show);
  arrive();
  return { show: arrive };
})();
