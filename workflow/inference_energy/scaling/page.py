"""Pages on test-time scaling, water and the counter-signal, written from the result tables."""

from inference_energy.method.setup import TRIMMED, UNTRIMMED
from inference_energy.text import markdown_table, number

PERCENTILES = ["p5", "p50", "mean", "p95", "p99"]


def _pick(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def _value(table, **where):
    """The one value of a table where columns have these values."""
    return float(_pick(table, **where)["value"].item())


def _cost(tables):
    """What longer answers cost, from the test_time tables."""
    rows = []
    for name, table in tables.items():
        cells = {"compared": "long", "subject": UNTRIMMED}
        for statistic in PERCENTILES:
            at = _pick(table, **cells, statistic=statistic).set_index("quantity")["value"]
            shown = [
                "energy traditional",
                "energy compared",
                "energy ratio",
                "tokens ratio",
                "throughput factor",
                "cap factor",
            ]
            rows.append([f"`{name}`", statistic, *(number(at[quantity]) for quantity in shown)])
    header = ["method", "statistic", "traditional [Wh]", "long [Wh]", "ratio"]
    return markdown_table([*header, "= tokens", "x throughput", "x cap"], rows)


def _skew(tables, factor):
    rows = []
    for name, table in tables.items():
        cells = {"subject": UNTRIMMED, "statistic": "mean over median"}
        long = _pick(table, **cells, compared="long").set_index("quantity")["value"]
        ratios = [
            _value(
                table,
                subject=UNTRIMMED,
                compared=factor,
                statistic=statistic,
                quantity="energy ratio",
            )
            for statistic in PERCENTILES
        ]
        rows.append(
            [
                f"`{name}`",
                number(long["energy traditional"]),
                number(long["energy compared"]),
                *(number(ratio) for ratio in ratios),
            ]
        )
    header = ["method", "mean/median, traditional", "mean/median, long"]
    return markdown_table([*header, *PERCENTILES], rows)


def _crossing(tables):
    rows, needs = [], []
    for name, table in tables.items():
        double = _pick(table, analysis="doubling", basis="mean").set_index("quantity")["value"]
        replaced = double.get("long share by replacement")
        share = "none" if replaced is None else f"{100 * replaced:.1f} %"
        rows.append([f"`{name}`", f"{double['added long queries'] / 1e6:.0f}", share])
        mean = _pick(table, analysis="intervention", basis="mean")
        on_all = _pick(mean, quantity="needed on all queries").sort_values("long_share")
        on_long = _pick(mean, quantity="needed on long queries")["value"].iloc[0]
        better = _pick(mean, quantity="fleet improved").set_index("long_share")["value"]
        base = _value(mean, quantity="fleet", long_share=0.0)
        held = [f"{100 * s:g} %" for s in on_all["long_share"] if better[s] <= base]
        needs.append(
            [
                f"`{name}`",
                number(base),
                *(number(v) for v in on_all["value"]),
                number(on_long),
                ", ".join(held) or "none",
            ]
        )
    shares = [f"{100 * s:g} % long" for s in on_all["long_share"]]
    double = markdown_table(
        ["method", "long queries added, millions a day", "or share of queries turned long"], rows
    )
    need = markdown_table(
        [
            "method",
            "baseline [GWh/day]",
            *shares,
            "on long queries alone",
            "shares that the method's own improvement holds",
        ],
        needs,
    )
    return double, need


def _growth(table):
    """Years to double with demand growth and efficiency of one method's table."""
    even = _pick(table, analysis="growth", quantity="break-even rebound")
    rows = [
        [f"{100 * r.growth:g} %", f"{r.efficiency:g}", f"{r.value:.2f}"] for r in even.itertuples()
    ]
    header = ["growth of demand a year", "energy per query falls by, a year", "break-even rebound"]
    return markdown_table(header, rows)


def _agents(tables):
    rows = []
    for name, table in tables.items():
        for task in table["task"].unique():
            for caching in ("yes", "no"):
                part = _pick(table, task=task, prefix_caching=caching, samples=1)
                medians = _pick(part, quantity="energy p50")
                ratios = _pick(part, quantity="energy over a traditional query")["value"]
                rows.append(
                    [
                        f"`{name}`",
                        task,
                        caching,
                        f"{number(medians['value'].min())}-{number(medians['value'].max())}",
                        f"{ratios.min():,.0f}-{ratios.max():,.0f}",
                        "yes" if (part["extrapolated"] == "yes").any() else "no",
                    ]
                )
    header = ["method", "task", "prefix caching", "energy, over models [Wh]"]
    return markdown_table([*header, "over a traditional query", "extrapolates"], rows)


def _water(tables):
    rows = []
    for name, table in tables.items():
        cells = {"setting": "range", "per": "query", "subject": TRIMMED, "statistic": "p50"}
        for regime in ("traditional", "long"):
            at = _pick(table, **cells, regime=regime).set_index("boundary")["value"]
            shown = ["on-site water", "generation water", "operational carbon"]
            rows.append([f"`{name}`", regime, *(number(at[boundary]) for boundary in shown)])
    header = ["method", "query", "on-site water [mL]", "generation water [mL]", "carbon [g]"]
    return markdown_table(header, rows)


def _checks(table):
    rows = [
        [
            r.check,
            f"`{r.method}`",
            r.quantity,
            f"{number(r.value)} {r.unit}",
            r.note,
        ]
        for r in table.fillna({"note": ""}).itertuples()
    ]
    return markdown_table(["published figure", "energy of", "quantity", "value", "note"], rows)


def scaling_page(test_time, crossing, agents, footprint, checks):
    """Test-time scaling, agents, crossing points, water and carbon of all methods, in Markdown.

    Parameters
    ----------
    test_time, crossing, agents, footprint : dict of str to DataFrame
        Method to the table of that name.
    checks : DataFrame
        Table water_checks.

    Returns
    -------
    str
    """
    first = next(iter(test_time.values()))
    factor = next(name for name in first["compared"].unique() if name != "long")
    double, need = _crossing(crossing)
    parts = [
        "# Test-time scaling, agents, water and carbon",
        "Generated from the tables results/*/test_time.csv, crossing.csv, agents.csv and"
        " footprint.csv. Energies are those of the untrimmed blend, so totals and tails are whole.",
        "## Where the ratio comes from",
        "The ratio of a statistic is the ratio of the tokens at that statistic, times what the"
        " throughput law makes of the length, times what its cap takes back. The paper compares"
        " medians; a fleet pays the ratio of the means.",
        _cost(test_time),
        f"Traditional queries with {factor} the tokens cost, at each statistic, this many times"
        " the energy. A mean above the median says that medians understate the total; one below,"
        " that the blend has small and large models with nothing between.",
        _skew(test_time, factor),
        "## Crossing points",
        "Long queries that double the energy of a fleet of traditional ones:",
        double,
        "Factor by which the energy of all queries must fall to stay at the baseline without long"
        " queries. If only long queries are improved, each must come down to a traditional one,"
        " whatever their share.",
        need,
        "Demand grows by itself, and efficiency adds to it by its rebound: energy follows"
        " ((1 + growth) efficiency^(rebound - 1))^years. Below zero, growth outruns efficiency"
        " without any rebound.",
        _growth(next(iter(crossing.values()))),
        "## Agents",
        "Every step carries the context of the steps before it. Laws that do not tell reading from"
        " computing take cached input for free, and without caching they extrapolate most.",
        _agents(agents),
        "## Water and carbon",
        "Median per query over the sourced ranges. On-site water is per IT energy, the water and"
        " carbon of electricity per facility energy; medians of the two waters do not add.",
        _water(footprint),
        "### Published figures",
        _checks(checks),
    ]
    return "\n\n".join(parts) + "\n"


def _ends(table, write=number, **where):
    values = _pick(table, **where).sort_values("energy_wh")["value"]
    return f"{write(values.iloc[0])}-{write(values.iloc[-1])}"


def counter_signal_page(table, claim, verification, counts, config):
    """The counter-signal in plain words, in Markdown.

    Parameters
    ----------
    table : DataFrame
        Table counter_signal.
    claim : tuple of float
        Lower and upper end of the claim. [Wh]
    verification : str
        How the claim was verified, as the estimates table says.
    counts : DataFrame
        Table of schema ``token_counts``.
    config : dict
        Section ``counter_signal`` of config/scaling.yaml.

    Returns
    -------
    str
    """
    low, high = claim
    minutes = config["wall_minutes"]["value"]
    methods = [b for b in table["basis"].unique() if b not in ("measured", "published")]
    measured = _pick(table, basis="measured")
    rate = _pick(measured, quantity="decode rate of a chain").set_index("setting")["value"]
    made = _pick(measured, quantity=f"tokens of a chain in {minutes:g} min")
    made = made.set_index("setting")["value"]
    chains, plausible, medians = [], [], []
    for name in methods:
        own = _pick(table, basis=name)
        blend = _pick(own, subject=UNTRIMMED)
        nodes = _pick(own, quantity="dedicated nodes")
        setting = f"median decode rate for {minutes:g} min"
        single = _pick(blend, quantity="tokens of a single chain").sort_values("energy_wh")["value"]
        chains.append(
            [
                f"`{name}`",
                "-".join(f"{float(f'{value:.3g}'):,.0f}" for value in single),
                _ends(blend, quantity="chains in parallel", setting=setting),
                f"{number(nodes['value'].min(), 2)}-{number(nodes['value'].max(), 2)}",
            ]
        )
        for count in counts.itertuples():
            at = _pick(blend, quantity="energy at a published count", setting=count.id)
            energy = float(at["value"].item())
            place = "inside" if low <= energy <= high else "below" if energy < low else "above"
            plausible.append(
                [
                    f"`{name}`",
                    count.subject,
                    f"{number(energy)}",
                    place,
                    _ends(
                        blend,
                        quantity="factor to the claim from a published count",
                        setting=count.id,
                    ),
                    at["extrapolated"].item(),
                ]
            )
        for share in config["query_shares"]["values"]:
            setting = f"share {share:g} of the queries"
            medians.append(
                [
                    f"`{name}`",
                    f"{100 * share:g} %",
                    _ends(blend, quantity="median with such problems", setting=setting),
                    _ends(blend, quantity="mean with such problems", setting=setting),
                ]
            )
    water = _pick(table, subject="facility facts")
    litres = {q: water.loc[water["quantity"] == q, "value"] for q in water["quantity"].unique()}
    ranges = ", ".join(
        f"{name} {number(v.min(), 2)}-{number(v.max(), 2)} L" for name, v in litres.items()
    )
    parts = [
        f"# What {low / 1000:g}-{high / 1000:g} kWh for one problem would need",
        f"A claim gives one hard mathematical problem, answered in {minutes:g} minutes, an energy"
        f" of {low:g}-{high:g} Wh and several litres of water. **Its source was searched for and"
        f" not found** (verification: {verification}). It is taken here as a question: which"
        " combinations would produce it?",
        "## What would produce it",
        f"One request decodes at {number(rate['min'], 2)}-{number(rate['max'], 2)} tokens/s"
        f" (median {number(rate['median'], 2)}, ML.ENERGY v3, models of at least"
        f" {config['large_model']['value']:g} B), so one chain makes"
        f" {made['min']:,.0f}-{made['max']:,.0f} output tokens in {minutes:g} minutes (median"
        f" {made['median']:,.0f}). More tokens than that need chains side by side.",
        markdown_table(
            [
                "method",
                "tokens, if one chain alone",
                f"chains of {made['median']:,.0f} tokens",
                f"nodes that do nothing else for {minutes:g} min",
            ],
            chains,
        ),
        "The energy is that of a share of one node for the time of the answer, so nothing about its"
        " size is out of the ordinary: the claim is one about how much of a node the problem had to"
        " itself. Chains, replication and overhead over utilisation multiply, and every product"
        " that reaches the factor below will do. Beyond the lengths that a law has seen it"
        " extrapolates: the methods differ most there.",
        "## Against published token counts",
        markdown_table(
            ["method", "published count", "energy [Wh]", "claim", "factor to the claim", "extrap."],
            plausible,
        ),
        "Only counts with a source are listed; sessions are charged for their output tokens, not"
        " for the context that they read. No count was published for the problem itself, so the"
        " claim can be neither confirmed nor ruled out. A count below the claim would need the"
        " factor in chains, replication or idle capacity.",
        "## What medians say",
        "A median says nothing about the largest queries. Were this share of all queries such"
        " problems, the median would hardly move, while the mean, which a fleet pays, would:",
        markdown_table(["method", "share", "median [Wh]", "mean [Wh]"], medians),
        "A published median of production bounds neither the tail nor the total; it does say that"
        " such problems are not what half of the users ask.",
        "## Water",
        f"With reported intensities the claimed energy means {ranges}. Whether it is several litres"
        " is first of all a question of the boundary.",
        "Map of the combinations: figures/audit/counter_signal.svg; table: counter_signal.csv.",
    ]
    return "\n\n".join(parts) + "\n"
