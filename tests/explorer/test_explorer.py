"""The explorer in a browser: its numbers, its keys, its width, and what it asks for."""

import random
import re
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest
from explorer.browser import opened, started
from inference_energy.energy import exact
from inference_energy.energy.fleet import mix
from inference_energy.explorer.configurations import configurations, kinds_of
from inference_energy.explorer.content import median_tokens
from inference_energy.laws.hardware import LONGEST, longest_context
from inference_energy.method.boundary import FACILITY, SERVER
from inference_energy.method.build import build, fit_suitable
from inference_energy.method.distributions import LogNormal
from inference_energy.method.serving import serve_elsewhere
from inference_energy.method.setup import TRIMMED, UNTRIMMED, ServedModel
from inference_energy.scaling.agents import step_seconds
from inference_energy.text import number
from repository import METHODS, ROOT, materials, read, read_yaml

pytestmark = pytest.mark.browser

MODELS = read("data/models.csv", "models")
PAGE = ROOT / "docs" / "explorer" / "index.html"
SHOWN = read_yaml("config/config.yaml")["methods"]
SETTINGS, FLEETS, NODES = 200, 200, 25
CHOICES = ("method", "model", "gpu", "precision", "grid")
COLOURS = """() => {
  const ground = (e) => {
    const own = getComputedStyle(e).backgroundColor;
    const clear = own === "transparent" || own.endsWith(", 0)");
    return clear ? (e.parentElement ? ground(e.parentElement) : "rgb(255, 255, 255)") : own;
  };
  const texts = [...document.body.querySelectorAll("*")].filter(
    (e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()),
  );
  const found = texts
    .filter((e) => !["SCRIPT", "STYLE", "TITLE"].includes(e.tagName.toUpperCase()))
    .map((e) => {
      const drawn = e.closest("svg");
      const style = getComputedStyle(e);
      const colour = drawn && style.fill !== "none" ? style.fill : style.color;
      return JSON.stringify([colour, ground(e), drawn ? "svg" : "page"]);
    });
  return [...new Set(found)].map((each) => JSON.parse(each));
}"""
"""Every colour of a text, with that of its ground and where it stands."""
BARE = """ids => ids.flatMap(id => {
  const found = [];
  const walker = document.createTreeWalker(document.getElementById(id), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const inside = text.parentElement.closest("a, svg, caption, th, .soft, .chart, .verdict");
    if (!inside && text.parentElement.checkVisibility()) found.push(text.data);
  }
  return found;
})"""
"""Texts of places that are no link, heading, drawing, or note."""
INTENSITIES = {
    "water on the site": ("on_site_water", SERVER, 1),
    "water of electricity": ("generation_water", FACILITY, 1),
    "carbon": ("operational_carbon", FACILITY, 1e-3),
}


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser):
    with opened(browser, PAGE.as_uri()) as (page, requests, complaints):
        yield page
        assert set(requests) == {PAGE.as_uri()}
        assert complaints == []


@pytest.fixture(scope="module")
def known():
    """Setup and configurations of every method that the page shows."""
    nodes, at_load = (
        read("data/node_power.csv", "node_power"),
        read("data/throughput/at_load.csv", "throughput"),
    )
    of = materials([METHODS[name] for name in SHOWN])
    found = {}
    for name in SHOWN:
        method, given = METHODS[name], of(METHODS[name])
        hardware = given.get("hardware", {})
        laws, elsewhere = fit_suitable(method, given["table"], hardware), {}
        if "serving" in method:
            kinds = kinds_of(read("results/coefficients.csv", "coefficients"))
            utilisation = next(iter(laws.values())).utilisation
            elsewhere = serve_elsewhere(method, given["table"], hardware, kinds, utilisation)
        of_method = configurations(
            method, given["table"], hardware, nodes, at_load, laws, elsewhere
        )
        found[name] = build(method, **given, laws=laws), of_method
    return found


def go(page, stated):
    """Show what an address says."""
    page.evaluate(
        "hash => { history.replaceState(null, '', '#' + hash); explorer.show(); }",
        urlencode(stated),
    )
    assert page.inner_text("#notice") == page.inner_text("#problem") == ""


def arrive(page, hash):
    """Open an address as written; what the page says of it, and the address that it makes of it."""
    page.evaluate("hash => { history.replaceState(null, '', '#' + hash); explorer.show(); }", hash)
    return page.inner_text("#notice"), page.url.partition("#")[2]


def shown(page, name):
    """Number of the page that is marked with a name."""
    return page.inner_text(f"[data-number='{name}']")


def stated_factor(low, high, z):
    """Log-normal of a range, one value where its ends are the same."""
    return LogNormal.fixed(low) if low == high else LogNormal.from_percentiles(low, high, z)


def draw(random, known):
    """Draw what a reader could pick: a node, lengths, power, factors, share, places of the grid."""
    name = random.choice(SHOWN)
    each = random.choice(known[name][1])
    lengths = [10 ** random.uniform(0.5, 5) for _ in range(2)]
    fits = min(1, LONGEST * longest_context(each.model, MODELS) / (sum(lengths) + 1))
    lengths = [round(length * fits, 1) for length in lengths]
    stated = {
        "method": name,
        "model": each.model,
        "gpu": each.gpu,
        "precision": each.precision,
        "load": "" if each.load != each.load else f"{each.load:g}",
        "input": lengths[0],
        "cached": round(lengths[0] * random.choice([0, random.random()]), 1),
        "output": lengths[1],
        "power": round(random.uniform(1, 30), 2),
        "share": round(random.uniform(0, 100), 1),
        "queries": round(10 ** random.uniform(-3, 1), 4),
    }
    for low, high, ends in (("pu5", "pu95", (0.05, 1)), ("pue5", "pue95", (1, 2.5))):
        stated[low], stated[high] = sorted(round(random.uniform(*ends), 3) for _ in range(2))
    if random.random() < 0.1:
        stated["pu95"], stated["pue95"] = stated["pu5"], stated["pue5"]
    if each.law.knows_load and random.random() < 0.8:
        stated["requests"] = round(10 ** random.uniform(0, 3.5), 1)
    return stated, each


def changed(setup, each, stated, z):
    """Setup with the factors that are picked, and the model on its node."""
    model = next((m for m in setup.models if m.name == each.model), None)
    law = each.law.at(stated["requests"]) if "requests" in stated else each.law
    served = ServedModel(
        each.model,
        law,
        stated["power"],
        model.peak if model else 0.0,
        setup.models[0].uncertain,
    )
    factors = {
        "power_utilisation": stated_factor(stated["pu5"], stated["pu95"], z),
        "pue": stated_factor(stated["pue5"], stated["pue95"], z),
    }
    scale = stated["power"] / each.node_power
    models = tuple(replace(m, node_power=m.node_power * scale) for m in setup.models)
    fleet = replace(setup.fleet, queries_per_day=stated["queries"] * 1e9)
    return replace(setup, models=models, fleet=fleet, **factors), served


def energy_of(setup, model, stated):
    """Energy of one query from the exact engine, and the seconds of the node."""
    lengths = stated["input"], stated["cached"], stated["output"]
    seconds = float(step_seconds(model.law, *lengths, setup.input_tokens_per_output_token))
    error = float(model.error(stated["input"], stated["output"]))
    throughput = stated["output"] / seconds
    return exact.time_energy(setup, model, seconds, throughput, error), seconds


def relative_power(law):
    """Power of the node over what the method states, in the middle of its ways to serve."""
    return np.exp(sum(way.weight * np.log(way.power) for way in law.shares()))


def agrees(page, energy, seconds):
    """Whether a page shows an energy, and the node time behind it."""
    assert page.inner_text("#median") == number(energy.quantile(0.5))
    for level in (5, 25, 75, 95):
        assert shown(page, f"p{level}") == number(energy.quantile(level / 100))
    assert shown(page, "seconds") == number(seconds)


@pytest.mark.parametrize("name", SHOWN)
def test_at_the_methods_own_settings_the_numbers_are_those_of_the_exact_engine(name, page, known):
    setup, places = known[name]
    tables = read(f"results/{name}/output_tokens.csv", "output_tokens")
    for each in random.Random(name).sample(places, min(NODES, len(places))):
        for regime in ("traditional", "long"):
            given = {
                "method": name,
                "model": each.model,
                "gpu": each.gpu,
                "precision": each.precision,
                "input": setup.regimes[regime].input_tokens,
                "cached": 0.0,
                "output": median_tokens(tables, regime),
            }
            served = ServedModel(
                each.model,
                each.law,
                each.node_power,
                next((m.peak for m in setup.models if m.name == each.model), 0.0),
                setup.models[0].uncertain,
            )
            if given["input"] + given["output"] > LONGEST * longest_context(each.model, MODELS):
                told, _ = arrive(page, urlencode(given))
                assert "longest context" in told
                continue
            energy, seconds = energy_of(setup, served, given)
            go(page, given)
            agrees(page, energy, seconds / relative_power(each.law))


@pytest.mark.parametrize("place", range(SETTINGS))
def test_the_numbers_are_those_of_the_exact_engine(place, page, known):
    stated, each = draw(random.Random(place), known)
    method = METHODS[stated["method"]]
    z = method["monte_carlo"]["normal_quantile_95"]
    setup, model = changed(known[stated["method"]][0], each, stated, z)
    energy, seconds = energy_of(setup, model, stated)
    go(page, stated)
    agrees(page, energy, seconds / relative_power(model.law))
    facts = read("data/facility.csv", "facility").set_index("fact")["value"]
    for name, (section, boundary, scale) in INTENSITIES.items():
        ends = sorted(facts[read_yaml("config/footprint.yaml")[section]["range"]])
        counted = replace(
            setup, boundary=replace(boundary, factor=LogNormal.from_percentiles(*ends))
        )
        of, _ = energy_of(counted, model, stated)
        middle, low, high = (number(of.quantile(p) * scale) for p in (0.5, 0.05, 0.95))
        assert shown(page, name) == f"{middle} ({low}–{high})"


@pytest.mark.parametrize("place", range(FLEETS))
def test_a_fleets_day_is_that_of_the_exact_engine(place, page, known):
    stated, each = draw(random.Random(place), known)
    # without any spread every length of an answer would be summed over, which takes minutes
    stated["pu95"] = max(stated["pu95"], round(stated["pu5"] * 1.1, 3))
    z = METHODS[stated["method"]]["monte_carlo"]["normal_quantile_95"]
    setup, _ = changed(known[stated["method"]][0], each, stated, z)
    go(page, stated)
    days = {name: exact.fleet_energy(setup, regime) for name, regime in setup.regimes.items()}
    for pathway in ("baseline", "improved"):
        pair = (days[regime][pathway]["mean"] for regime in ("traditional", "long"))
        # the page starts from the table, which has six digits
        day = mix(stated["share"] / 100, *pair)
        near = {number(day * (1 + slack)) for slack in (-2e-6, 0, 2e-6)}
        assert page.inner_text(f"#{pathway}") in near


@pytest.mark.parametrize("name", SHOWN)
def test_the_methods_own_queries_are_those_of_the_exact_engine(name, page, known):
    setup, _ = known[name]
    go(page, {"method": name})
    rows = page.locator("#energies tbody tr").all()
    table = {tuple(row.locator("th, td").all_inner_texts()[:2]): row for row in rows}
    for regime in setup.regimes.values():
        models, members = exact.regime_energy(setup, regime)
        blends = {
            subject: exact.blend_energy(setup, models, members, trim)
            for subject, trim in ((TRIMMED, True), (UNTRIMMED, False))
        }
        for subject, energy in (models | blends).items():
            middle, low, high = (number(energy.quantile(p)) for p in (0.5, 0.25, 0.75))
            cells = table[subject, regime.name].locator("td").all_inner_texts()
            assert cells[2] == f"{middle} ({low}–{high})"


@pytest.mark.parametrize("name", SHOWN)
def test_every_number_links_to_rows_that_are_there(name, page):
    go(page, {"method": name})
    links = page.locator("a[href^='../../']").all()
    assert len(links) > 50
    for link in links:
        path, _, lines = link.get_attribute("href").removeprefix("../../").partition("#")
        length = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for line in re.findall(r"L(\d+)", lines):
            assert 1 < int(line) <= length
    fleet = (ROOT / f"results/{name}/fleet.csv").read_text(encoding="utf-8").splitlines()
    for link in page.locator("#days a[href*='fleet.csv']").all():
        line = fleet[int(link.get_attribute("href").rpartition("#L")[2]) - 1]
        assert number(float(line.split(",")[4])) == link.inner_text()


@pytest.mark.parametrize("name", SHOWN)
def test_no_number_of_the_answer_is_without_a_link(name, page):
    for output in ("300", "50000"):
        go(page, {"method": name, "output": output})
        texts = page.evaluate(BARE, ["results", "energies", "days", "verdicts", "claims"])
        assert len(texts) > 20
        assert [text for text in texts if re.search(r"\d", text)] == []
        for place in ("median", "baseline", "improved"):
            assert page.locator(f"#{place} > a").count() == 1


def test_it_has_every_kind_of_node_that_has_coefficients(page):
    go(page, {"method": "revised"})
    kinds = kinds_of(read("results/coefficients.csv", "coefficients"))
    models = page.locator("#model option").all_inner_texts()
    assert set(models) >= set(kinds["model"]) and len(kinds) > 500
    for model, own in kinds.groupby("model"):
        go(page, {"method": "revised", "model": model})
        offered = page.locator("#gpu").evaluate("select => [...select.options].map(o => o.value)")
        assert set(offered) >= set(own["gpu"])


def test_it_says_which_models_the_law_has_not_seen(page):
    table = read("results/coefficients.csv", "coefficients")
    seen = table["tier"].ne("C").groupby(table["model"]).any()
    group = page.locator("#model optgroup").last.locator("option").all_inner_texts()
    assert group == sorted(seen.index[~seen])
    for name, known in (("revised", False), ("oviedo2026", True)):
        go(page, {"method": name, "model": "Llama-3.1 Nemotron Ultra 253B"})
        assert page.is_hidden("#more") == known
    go(page, {"method": "revised", "model": "Llama 3.1 8B"})
    assert page.is_hidden("#more")


def test_the_address_keeps_what_is_picked(page, browser):
    go(page, {})
    page.select_option("#method", "revised")
    page.fill("#output", "5000")
    page.select_option("#grid", label=page.locator("#grid option").nth(1).inner_text())
    address, median = page.url, page.inner_text("#median")
    assert "method=revised" in address and "output=5000" in address and "grid=" in address
    with opened(browser, address) as (again, _, complaints):
        assert again.inner_text("#median") == median
        assert again.input_value("#output") == "5000"
        assert complaints == []
    page.click("#reset")
    assert page.url == PAGE.as_uri()


def test_every_control_comes_back_from_the_address(page, browser):
    go(page, {})
    stated = {
        "method": "revised",
        "model": "Llama 3.1 8B",
        "gpu": "B200",
        "precision": "FP8",
        "requests": "33",
        "input": "777",
        "cached": "111",
        "output": "222",
        "power": "9.5",
        "pu5": "0.5",
        "pu95": "0.8",
        "pue5": "1.1",
        "pue95": "1.2",
        "queries": "2.5",
        "share": "20",
        "grid": page.locator("#grid option").nth(2).get_attribute("value"),
    }
    for key, value in stated.items():
        field = page.locator(f"#{key}")
        choose = field.select_option if key in CHOICES else field.fill
        choose(value)
    with opened(browser, page.url) as (again, _, complaints):
        assert {key: again.input_value(f"#{key}") for key in stated} == stated
        assert again.inner_text("#results") == page.inner_text("#results")
        assert complaints == []
    page.click("#reset")


def test_the_back_button_goes_back_one_choice(page):
    page.reload()
    go(page, {})
    first = page.inner_text("#median")
    page.select_option("#method", "revised")
    second = page.inner_text("#median")
    page.locator("#output").press_sequentially("0")
    third = page.inner_text("#median")
    assert len({first, second, third}) == 3
    for median in (second, first):
        page.go_back()
        page.wait_for_function(
            "median => document.getElementById('median').textContent === median", arg=median
        )


def test_it_can_be_printed(page):
    go(page, {"method": "revised"})
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
    # the claims alone are two pages
    assert 2 <= len(pages) <= 8


def test_every_control_has_a_name_and_texts_stand_out(page):
    """Names for screen readers; contrast of 4.5 to 1 of every text (WCAG 2.2, 1.4.3)."""
    go(page, {"method": "revised"})
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("select, input, button, a")]
        .filter(e => !(e.labels?.length || e.getAttribute("aria-label") || e.textContent.trim()))
        .map(e => e.outerHTML)"""
    )
    assert nameless == []
    charts = "[...document.querySelectorAll('.chart')]"
    assert page.evaluate(f"{charts}.every(chart => chart.querySelector('svg[aria-label]'))")
    colours = page.evaluate(COLOURS)
    assert len(colours) > 3
    faint = [of for of in colours if contrast(of[0], of[1]) < (3 if of[2] == "svg" else 4.5)]
    assert faint == []


def contrast(text, ground):
    """Contrast of two colours, each red, green, blue from 0 to 255 (WCAG 2.2)."""
    shares = [[int(part) / 255 for part in re.findall(r"\d+", each)[:3]] for each in (text, ground)]
    dark, light = sorted(
        np.dot(
            [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in of],
            (0.2126, 0.7152, 0.0722),
        )
        for of in shares
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("asked", "words", "kept"),
    [
        (
            "method=oviedo2026&model=GLM-5",
            ["Model: “GLM-5”", "Llama 3.1 405B"],
            "method=oviedo2026",
        ),
        ("method=none&output=777", ["Method: “none”", "oviedo2026"], "output=777"),
        (
            "method=revised&gpu=H100&precision=FP4",
            ["Hardware: “H100”", "Number format: “FP4”"],
            "method=revised",
        ),
        ("load=64&output=777", ["Load: “64”", "as benchmarked"], "output=777"),
        ("requests=8", ["Load: “8”", "does not know load"], ""),
        ("method=revised&load=64", ["Load: “64”", "requests"], "method=revised"),
        ("grid=Mars", ["Grid: “Mars”", "range"], ""),
        ("colour=red&output=777", ["“colour” is no setting"], "output=777"),
        ("output=1&output=777", ["Output: the address has it 2 times"], "output=777"),
        ("output=abc", ["from 1 to 2000000", "Output “abc”", "300"], ""),
        ("output=0", ["Output “0”"], ""),
        ("output=0x10", ["Output “0x10”"], ""),
        ("output=%20300", ["Output “ 300”"], ""),
        ("input=3000000", ["Input “3000000”", "500"], ""),
        ("cached=600", ["Cached input: allowed is at most the input", "“600”"], ""),
        ("pu5=0.9&pu95=0.4", ["P5 is above P95", "“0.9”", "“0.4”"], ""),
        ("pue5=0.5", ["PUE, P5 “0.5”"], ""),
        ("share=101&queries=-1", ["Share of long queries “101”", "Queries a day “-1”"], ""),
        (
            "method=revised&model=Llama+2+7B&input=50000&output=100",
            ["longest context of Llama 2 7B, 4,096 tokens", "Input “50000”", "Output “100”"],
            "method=revised&model=Llama+2+7B",
        ),
        # words that every object of JavaScript has
        (
            "method=constructor&grid=toString&output=777",
            ["“constructor”", "“toString”"],
            "output=777",
        ),
        ("method=<img src=x onerror=alert(1)>", ["“<img src=x onerror=alert(1)>”"], ""),
    ],
)
def test_an_address_that_asks_for_what_is_not_here_is_told_and_corrected(page, asked, words, kept):
    told, address = arrive(page, asked)
    assert [word for word in words if word not in told] == []
    assert address == kept
    assert page.get_attribute("#notice", "role") == "status" and page.is_visible("#notice")
    assert page.inner_text("#problem") == "" and page.inner_text("#median") != ""
    assert arrive(page, kept)[0] == ""


def test_a_choice_that_ends_another_is_told(page):
    go(page, {"method": "revised", "model": "GLM-5", "requests": 8})
    page.select_option("#method", "oviedo2026")
    told = page.inner_text("#notice")
    assert "Model: “GLM-5”" in told and "Load: “8”" in told
    page.fill("#output", "301")
    assert page.inner_text("#notice") == ""
    page.fill("#output", "0")
    assert "Output" in page.inner_text("#problem")
    assert page.locator("[aria-invalid='true']").count() == 1
    page.click("#reset")
    assert page.inner_text("#problem") == ""


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (
            {"method": "revised", "model": "Llama 2 7B", "input": 4000, "output": 200},
            "4,200 tokens",
        ),
        (
            {"method": "revised", "model": "Llama 3.1 405B", "input": 100000, "requests": 5000},
            "does not fit",
        ),
        ({"method": "oviedo2026", "cached": 500}, "cached input for free"),
        ({"method": "revised", "model": "GLM-5", "output": 300}, "output (seen: 1,024"),
        ({"method": "revised", "model": "Llama 3.1 405B", "requests": 8}, ""),
        ({"method": "revised", "model": "Llama 3.1 405B", "cached": 500}, ""),
    ],
)
def test_what_a_model_or_a_node_cannot_hold_is_told(page, stated, words):
    go(page, stated)
    told = page.inner_text("#warning")
    assert words in told if words else told == ""


def test_more_load_than_fits_is_what_fits(page, known):
    stated = {"method": "revised", "model": "Llama 3.1 405B", "input": 100000, "output": 1000}
    go(page, stated | {"requests": 5000})
    (held,) = re.findall(r"holds ([\d,]+) at once", page.inner_text("#warning"))
    at_most = page.inner_text("#median")
    go(page, stated | {"requests": 10000})
    assert page.inner_text("#median") == at_most
    go(page, stated | {"requests": int(held.replace(",", "")) // 4})
    assert page.inner_text("#warning").count("does not fit") == 0


def test_a_fleets_day_says_that_it_is_not_of_the_query_above(page):
    assert "not of the query above" in page.inner_text("#fleet-basis")


def test_it_can_be_used_by_keyboard_alone(page):
    page.reload()
    focused = "document.activeElement.id"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate(focused) == "answer"
    page.reload()
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(focused))
        if seen[-1] == "method":
            page.keyboard.press("ArrowDown")
        if seen[-1] == "output":
            page.keyboard.press("Control+A")
            page.keyboard.type("1234")
        if seen[-1] == "reset":
            break
    controls = page.locator("#controls :is(select, input, button):visible").all()
    assert [name for name in seen if name][-len(controls) :] == [
        control.get_attribute("id") for control in controls
    ]
    assert "output=1234" in page.url and page.input_value("#method") != "oviedo2026"
    page.keyboard.press("Enter")
    assert page.url == PAGE.as_uri()


def test_every_control_has_a_name_and_every_drawing_says_what_it_shows(page):
    go(page, {})
    nameless = page.evaluate(
        "[...document.querySelectorAll('#controls :is(select, input)')]"
        ".filter(c => !c.labels.length && !c.ariaLabel).map(c => c.id)"
    )
    assert nameless == []
    for name in SHOWN:
        go(page, {"method": name})
        drawings = page.locator(".chart svg[aria-label]:visible").count()
        assert drawings == page.locator(".chart:visible").count()


def test_load_is_asked_for_where_the_method_knows_it(page):
    go(page, {"method": "oviedo2026"})
    assert page.is_hidden("#requests") and page.is_visible("#load")
    go(page, {"method": "revised"})
    assert page.is_visible("#requests") and page.is_hidden("#load")
    medians = {}
    for load in ("", "8", "256"):
        page.fill("#requests", load)
        medians[load] = float(page.inner_text("#median"))
    assert medians["8"] > 2 * medians["256"] > 0
    assert medians[""] not in (medians["8"], medians["256"])
    assert "requests=256" in page.url
    page.fill("#requests", "0.5")
    assert "Load" in page.inner_text("#problem")
    page.click("#reset")


def test_it_fits_on_a_phone(browser):
    """Nothing is beside the screen, the verdicts and what else stands in tables included."""
    beside = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
    with opened(browser, PAGE.as_uri(), width=360) as (page, _, complaints):
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        for name in SHOWN:
            go(page, {"method": name})
            assert page.evaluate(f"{beside}.map(e => e.id)") == []
        assert complaints == []


def test_it_is_small_and_asks_for_nothing():
    assert PAGE.stat().st_size <= 1_950_000
