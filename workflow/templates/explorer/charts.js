/* Drawings of the page, each an SVG from what the engine answers. */
"use strict";

const charts = (() => {
  const INK = "#1b1f24";
  const BLUE = "#0b5394";
  const RED = "#b3261e";
  const GREY = "#757575";
  const PARTS = {
    "reading the weights": "#0b5394",
    "starting each step": "#5f6f7a",
    "computing the output": "#2a7f9e",
    "links between GPUs": "#8a6d00",
    "scheduling and sampling": "#1b1f24",
    "attention: reading the cache": "#3d7a3d",
    "computing the input": "#b45309",
    "attention over the input": "#7f1d1d",
    "starting the prefill": "#a16207",
    "output tokens": "#0b5394",
    "input tokens": "#b45309",
    "input that is charged": "#b45309",
    "memory held for the query": "#5f6f7a",
    "reading the context": "#3d7a3d",
    "what the facility adds": "#8c4a8c",
  };
  const style = { fontSize: "13px", fontFamily: "inherit", color: INK, background: "none" };
  const plain = (x) => Plot.formatNumber("en-US")(x);
  const RULED = [1, 2, 5];
  const leading = (x) => Number(x.toExponential(0).split("e")[0]);
  const ticks = (digits) => (x) => (digits.includes(leading(x)) ? plain(x) : "");

  const put = (place, options) => {
    const width = Math.max(place.clientWidth, 280);
    place.replaceChildren(Plot.plot({ width, style, ...options }));
  };

  /* The energy of the query as a density over ln E, its median, and what the paper prints. */
  const distribution = (place, energy, published) => {
    const spread = Math.max(energy.sigma, 1e-9);
    const grid = energy.sigma
      ? d3.range(-3, 3.01, 0.05).map((z) => Math.exp(energy.mu + z * spread))
      : [];
    const points = grid.map((x) => ({ x, y: engine.density(energy, x) }));
    const top = energy.sigma ? engine.density(energy, Math.exp(energy.mu)) : 1;
    const inner = points.filter(
      ({ x }) => x >= engine.quantile(energy, "p5") && x <= engine.quantile(energy, "p95"),
    );
    const median = engine.quantile(energy, "p50");
    const ends = [...grid, median / 2, median * 2, ...published.map((each) => each.value)];
    put(place, {
      height: 200,
      marginTop: 34,
      marginBottom: 42,
      marginLeft: 48,
      marginRight: 48,
      ariaLabel: `Density of the energy of this query around ${median.toPrecision(3)} Wh`,
      x: { type: "log", domain: d3.extent(ends), label: "Energy of the query [Wh]", tickFormat: ticks(RULED) },
      y: { axis: null, domain: [0, top * 1.05] },
      marks: [
        Plot.areaY(points, { x: "x", y: "y", fill: BLUE, fillOpacity: 0.18 }),
        Plot.areaY(inner, { x: "x", y: "y", fill: BLUE, fillOpacity: 0.35 }),
        Plot.ruleX([median], { stroke: BLUE, strokeWidth: 2.5 }),
        Plot.text([median], { x: (x) => x, frameAnchor: "top", dy: -28, fill: BLUE, text: () => "this query" }),
        Plot.ruleX(published, { x: "value", stroke: RED, strokeDasharray: "5 4" }),
        Plot.text(published, { x: "value", frameAnchor: "top", dy: -12, fill: RED, text: "label" }),
        Plot.ruleY([0]),
      ],
    });
  };

  /* The median, split into the parts of the node's time and what the facility adds. */
  const made = (place, answer) => {
    const parts = [...Object.entries(answer.parts), ["what the facility adds", answer.overhead]]
      .map(([part, wh]) => ({ part, wh }))
      .filter(({ wh }) => wh > 0);
    put(place, {
      height: 92,
      marginBottom: 42,
      marginLeft: 12,
      marginRight: 12,
      ariaLabel: "Median energy by cause",
      x: { label: "Median energy [Wh]", ticks: 6 },
      color: { domain: parts.map((each) => each.part), range: parts.map((each) => PARTS[each.part]), legend: true },
      marks: [Plot.barX(parts, { x: "wh", fill: "part", inset: 0.5 }), Plot.ruleX([0])],
    });
  };

  /* Energy against output tokens, everything else as picked. */
  const lengths = (place, rows, here, domain) => {
    const [low, high] = domain;
    const seen = low === null || high === null ? [] : [{ low, high }];
    put(place, {
      height: 280,
      marginLeft: 52,
      marginTop: 30,
      marginBottom: 42,
      marginRight: 30,
      ariaLabel: "Energy against output tokens",
      x: { type: "log", label: "Output tokens", tickFormat: ticks([1]) },
      y: { type: "log", label: "Energy of the query [Wh]", grid: true, tickFormat: ticks([1]) },
      marks: [
        Plot.rectX(seen, { x1: "low", x2: "high", fill: "#e8edf2" }),
        Plot.text(seen, { x: (d) => Math.sqrt(d.low * d.high), frameAnchor: "top", dy: -12, text: () => "lengths that the law has seen" }),
        Plot.areaY(rows, { x: "output", y1: "p5", y2: "p95", fill: BLUE, fillOpacity: 0.25 }),
        Plot.lineY(rows, { x: "output", y: "p50", stroke: BLUE, strokeWidth: 2 }),
        Plot.dot([here], { x: "output", y: "p50", r: 5, fill: BLUE, stroke: "white" }),
      ],
    });
  };

  /* Energy against the load of the node, everything else as picked. */
  const loads = (place, rows, here) => {
    put(place, {
      height: 240,
      marginLeft: 52,
      marginBottom: 42,
      marginRight: 30,
      ariaLabel: `Energy against load: ${rows[0].p50.toPrecision(3)} Wh at 1 request, ${rows.at(-1).p50.toPrecision(3)} Wh at ${rows.at(-1).load.toFixed(0)}`,
      x: { type: "log", label: "Requests at once on the node", tickFormat: ticks([1]) },
      y: { type: "log", label: "Energy of the query [Wh]", grid: true, tickFormat: ticks([1]) },
      marks: [
        Plot.areaY(rows, { x: "load", y1: "p5", y2: "p95", fill: BLUE, fillOpacity: 0.25 }),
        Plot.lineY(rows, { x: "load", y: "p50", stroke: BLUE, strokeWidth: 2 }),
        Plot.dot(here, { x: "load", y: "p50", r: 5, fill: BLUE, stroke: "white" }),
      ],
    });
  };

  /* A day's energy against the share of long queries. */
  const fleet = (place, rows, here, references) => {
    put(place, {
      height: 280,
      marginLeft: 52,
      marginRight: 90,
      marginBottom: 42,
      ariaLabel: "Energy of a day against the share of long queries",
      x: { label: "Share of long queries [%]" },
      y: { label: "Energy of a day [GWh]", grid: true, zero: true },
      marks: [
        Plot.ruleY(references, { y: "value", stroke: RED, strokeDasharray: "5 4" }),
        Plot.text(references, { y: "value", frameAnchor: "right", dx: 8, textAnchor: "start", text: "label", fill: RED }),
        Plot.lineY(rows, { x: "share", y: "value", z: "pathway", stroke: (d) => (d.pathway === "baseline" ? INK : GREY), strokeWidth: 2 }),
        Plot.text(rows.filter((row) => row.share === 100), { x: "share", y: "value", text: "pathway", dx: 8, textAnchor: "start" }),
        Plot.dot(here, { x: "share", y: "value", r: 5, fill: INK, stroke: "white" }),
        Plot.ruleY([0]),
      ],
    });
  };

  return { distribution, made, lengths, loads, fleet };
})();
