"""What a configuration implies for serving, and the parts of a query's time."""

import numpy as np
import pandas as pd
import pytest
from inference_energy.errors import InputError
from inference_energy.laws import serving
from inference_energy.laws.hardware import COMPUTE_RATE, WEIGHT_BYTES
from inference_energy.laws.serving import PARTS, TRAITS, add_traits, part_seconds, served_batch
from library.laws.made_up import MODEL

DENSE = {"model": "Llama 3.1 70B", "gpu": "H100-SXM-80GB", "tensor_parallel": 8, "precision": "FP8"}
SPARSE = DENSE | {"model": "GLM-5", "gpu": "H200-SXM-141GB"}
LATENT = DENSE | {"model": "DeepSeek-R1", "gpu": "H200-SXM-141GB"}


@pytest.fixture
def traits_of(models, gpus):
    """Traits of one configuration, as numbers by name."""

    def of(configuration):
        return add_traits(pd.DataFrame([configuration]), models, gpus)[TRAITS].iloc[0].to_dict()

    return of


def test_a_chip_without_a_link_sends_nothing_alone_and_is_refused_among_several(models, gpus):
    of = {"model": "Llama 3.1 8B", "gpu": "H100-SXM-80GB", "precision": "FP8"}
    rows = pd.DataFrame([of | {"tensor_parallel": count} for count in (1, 2)])
    alone = gpus.assign(link_gb_s=gpus["link_gb_s"].mask(gpus["gpu"] == of["gpu"]))
    linked, found = (add_traits(rows[:1], models, table)[TRAITS].iloc[0] for table in (gpus, alone))
    assert found["link_s"] == 0
    times = [part_seconds(traits.to_dict(), 500.0, 200.0) for traits in (linked, found)]
    assert np.array_equal(*times)
    with pytest.raises(InputError, match="row H100-SXM-80GB, column link_gb_s: is empty"):
        add_traits(rows, models, alone)


def of_part(traits, part, *arguments, **load):
    return part_seconds(traits, *arguments, **load)[..., list(PARTS).index(part)]


def test_the_traits_of_a_dense_model_by_hand(traits_of):
    of = traits_of(DENSE)
    weights, cache = 70.55e9, 327680 / 2
    assert of["dense_s"] == pytest.approx(weights / (8 * 3.35e12))
    assert of["compute_s"] == pytest.approx(2 * weights / (8 * 1979e12))
    assert of["cache_s"] == pytest.approx(cache / (8 * 3.35e12))
    free = 0.9 * 8 * 80 * 2**30 - weights
    assert of["cache_tokens"] == pytest.approx(free / cache)
    assert (of["experts_s"], of["mixture"], of["latent"], of["several"]) == (0, 0, 0, 1)
    assert of["link_s"] == pytest.approx(2 * 80 * 8192 * 2 / 450e9)


GPU = {
    "memory_gb": 80.0,
    "bandwidth_tb_s": 3.0,
    "link_gb_s": 500.0,
    "dense_tflops_16bit": 1000.0,
    "dense_tflops_8bit": 1900.0,
    "dense_tflops_4bit": 3700.0,
}
PLACED = {"precision": "FP4", "tensor_parallel": 4.0, "attention_data_parallel": 2.0}
INDEXED = {"attention": "sparse", "kv_heads": 1.0, "index_tokens": 300.0, "index_width": 64.0}
MADE_UP = [
    (PLACED | {"expert_parallel": 8.0}, {}, {}),
    (PLACED, {"architecture": "dense", "params_active_b": 100.0, "experts": np.nan}, {}),
    (PLACED | {"precision": "INT4"}, INDEXED | {"context_share": 0.5}, {"link_gb_s": 7.0}),
    (PLACED, INDEXED | {"kv_heads": 2.0}, {"dense_tflops_4bit": np.nan}),
    (PLACED | {"precision": "INT8"}, {"attention": "mla", "index_width": 64.0}, {}),
    (PLACED | {"precision": "INT8"}, {}, {"memory_gb": 9.0, "dense_tflops_8bit": np.nan}),
    (PLACED | {"attention_data_parallel": np.nan}, {"attention": "hybrid"}, {}),
    ({"precision": "BF16", "tensor_parallel": 1.0}, {"experts": np.nan}, {}),
    ({"precision": "FP8", "tensor_parallel": 2.0}, {"params_total_b": 60.0}, {}),
    (PLACED | {"pipeline_parallel": 3.0, "expert_parallel": 4.0}, {}, {}),
    ({"precision": "FP8", "tensor_parallel": 1.0, "pipeline_parallel": 2.0}, {}, {}),
]
"""Configurations, and in what their models and GPUs differ from MODEL and GPU."""


def by_hand(row, model, gpu):
    """Traits of one configuration."""
    copies = row.get("attention_data_parallel", 1.0)
    copies = 1.0 if np.isnan(copies) else copies
    stages, spread = row.get("pipeline_parallel", 1.0), row.get("expert_parallel", 1.0)
    stages, spread = (1.0 if np.isnan(x) else x for x in (stages, spread))
    own = row["tensor_parallel"] * copies
    n = own * stages
    mixture = model["architecture"] == "moe" and not np.isnan(model["experts"])
    four, eight_bit = (
        row["precision"] in ("FP4", "INT4"),
        row["precision"] in ("FP4", "FP8", "INT8"),
    )
    latent, indexed = model["attention"] in ("mla", "sparse"), not np.isnan(model["index_tokens"])

    def rate(precision):
        rates = [gpu[name] for name in COMPUTE_RATE[precision]]
        return 1e12 * next(rate for rate in rates if not np.isnan(rate))

    total, active = 1e9 * model["params_total_b"], 1e9 * model["params_active_b"]
    share = model["experts_active"] / model["experts"] if mixture else 0.0
    # what is active is all that is not routed, and the share of what is
    routed = (total - active) / (1 - share) if mixture else 0.0
    always, weight = total - routed, WEIGHT_BYTES[row["precision"]]
    dense_bytes = copies * always * (1.0 if mixture and four else weight)
    layers, hidden, width = model["layers"], model["hidden_size"], model["head_dim"]
    bandwidth, link = 1e12 * gpu["bandwidth_tb_s"], 1e9 * gpu["link_gb_s"]
    of_dense = rate("FP8" if mixture and row["precision"] == "FP4" else row["precision"])
    expert_width = routed / (layers * model["experts"] * 3 * hidden) * spread / own
    cache = model["kv_bytes_per_token_16bit"]
    entry = cache * (0.5 if eight_bit else 1.0)
    entry *= 1.0 if np.isnan(model["context_share"]) else model["context_share"]
    parted = stages * (copies if latent else copies * min(own / copies, model["kv_heads"]))
    entries = cache / (2 * layers * width) if model["kv_heads"] == 1 else 1.0
    pairs = cache if indexed else 2 * layers * width
    usable = 0.9 * n * gpu["memory_gb"] * 2**30
    free = max(usable - dense_bytes - weight * routed, 0.02 * usable)
    return {
        "dense_s": dense_bytes / (own * bandwidth),
        "experts_s": weight * routed / (own * bandwidth),
        "expert_share": share,
        "mixture": mixture,
        "routing": np.log2(model["experts"]) / 8 if mixture else 0,
        "latent": latent,
        "indexed": model["attention"] == "sparse",
        "four_bit": four,
        "several": own > 1,
        "layers": layers,
        "compute_s": 2 * (always / of_dense + (active - always) / rate(row["precision"])) / n,
        "narrowness": 512 / expert_width if mixture else 0,
        "link_s": 2 * layers * hidden * 2 / link / copies,
        "group": own / copies,
        "message_bytes": 2 * hidden / copies,
        "attention_s": pairs * model["attention_heads"] / (n * rate("BF16")),
        "index_s": 2 * layers * entries * 64 / (n * rate(row["precision"])) if indexed else 0,
        "index_tokens": 300 if indexed else np.inf,
        "cache_s": entry / (parted * bandwidth),
        "index_cache_s": 132 * layers * entries / (parted * bandwidth) if indexed else 0,
        "cache_tokens": free * parted / n / entry,
        "state_s": (model["attention"] == "hybrid") * 8 * layers * hidden * 256 / (n * bandwidth),
        "overlapped": 0,
        "filled": (dense_bytes + weight * routed) / usable,
    }


def test_the_traits_of_made_up_configurations_by_hand():
    rows, models, gpus = (list(each) for each in zip(*MADE_UP, strict=True))
    models, gpus = [MODEL | own for own in models], [GPU | own for own in gpus]
    index = range(5, 5 + len(rows))
    tables = [pd.DataFrame(each, index) for each in (rows, models, gpus)]
    found = serving._traits(*tables)
    assert list(found) == [*TRAITS, "filled"] and list(found.index) == list(index)
    expected = pd.DataFrame(
        [by_hand(*each) for each in zip(rows, models, gpus, strict=True)], index
    )
    pd.testing.assert_frame_equal(found, expected.astype(float), rtol=1e-12, atol=0)


def test_rows_of_any_index_that_know_less_than_others_have_their_own_traits(models, gpus):
    known = {"params_total_b": 50.0, "attention_data_parallel": 2, "expert_parallel": 4}
    rows = pd.DataFrame([DENSE, LATENT | known, LATENT], index=[7, 3, 5])
    table = add_traits(rows, models, gpus)
    assert list(table.index) == [7, 3, 5]
    for place, row in enumerate((DENSE, LATENT | known, LATENT)):
        one = add_traits(pd.DataFrame([row]), models, gpus).iloc[0]
        assert (
            table.iloc[place][[*TRAITS, "network"]].tolist() == one[[*TRAITS, "network"]].tolist()
        )


def test_a_dense_model_that_only_mixtures_are_near_has_no_experts(models, gpus):
    """Not experts of no width, which would take for ever."""
    mixtures = models[models["architecture"] == "moe"]
    rows = pd.DataFrame([DENSE | {"model": "Newcomer", "params_total_b": 34.0}])
    with np.errstate(all="raise"):
        of = add_traits(rows, mixtures, gpus)[TRAITS].iloc[0].to_dict()
    assert (of["mixture"], of["experts_s"], of["narrowness"]) == (0, 0, 0)
    assert np.isfinite(part_seconds(of, 1000, 300, 0, 64)).all()


def test_experts_of_an_unknown_model_are_never_more_than_all_of_it(traits_of):
    """The nearest known mixture may use a larger share of its experts than the model can."""
    unknown = {"model": "Zorro", "params_total_b": 5000.0, "params_active_b": 10.0}
    of = traits_of(DENSE | unknown)
    assert of["mixture"] == 1
    assert of["dense_s"] >= 0
    assert of["compute_s"] >= 0


def test_all_parts_by_hand():
    """Also of a configuration that is a bit of everything, so that each trait tells."""
    values = [0.3, 0.4, 0.2, 0.35, 0.6, 0.15, 0.45, 0.25, 0.55, 7, 0.05, 3, 0.01, 4, 3e5]
    values += [1e-6, 2e-6, 300, 3e-4, 4e-5, 1e5, 0.7, 0.65]
    of = dict(zip(TRAITS, values, strict=True))
    n_in, n_kept, n_out, requests = 1000, 400, 50, 20
    batch = served_batch(of, n_in, n_out, 6, requests)
    step = n_out * (1 / batch + (1 - batch / requests) / (2 * requests))
    touched = 1 - (1 - 0.2) ** batch
    context, computed = n_in + n_out / 2, n_in - n_kept
    cache = n_out * (min(context, 300) * 3e-4 + context * 4e-5)
    small = 1 / (1 + (batch * 3e5 / 4e6) ** 2)
    # 2 (g - 1)/g around a ring, g - 1 from each to each
    ring, link = 1.5, n_out * 0.01 * (1.5 * (1 - small) + 3 * small)
    pairs, selected = n_in**2 - n_kept**2, 300 * (2 * n_in - 300) - 300 * (2 * n_kept - 300)
    expected = {
        "weights": step * 0.3 * 0.75,
        "weights_4bit": step * 0.3 * 0.25,
        "experts": step * touched * 0.4 * 0.75,
        "experts_4bit": step * touched * 0.4 * 0.25,
        "step": step * 7,
        "step_routing": step * 7 * 0.6,
        "step_latent": step * 7 * 0.15,
        "step_indexed": step * 7 * 0.45,
        "step_reduction": step * 7 * 0.55,
        "compute": n_out * 0.05,
        "narrow": n_out * 0.05 * 3 / (1 + batch * 0.2 / 16),
        "link": link,
        "token": n_out * 0.35,
        "token_hidden": n_out * 0.65,
        "cache": cache * 0.85,
        "cache_latent": cache * 0.15,
        "state": n_out * 0.7,
        "prefill_compute": computed * 0.05 * 0.65,
        "prefill_mixture": computed * 0.05 * 0.35,
        "prefill_narrow": computed * 0.05 * 3,
        "prefill_link": computed * 0.01 * ring,
        "prefill_attention": pairs * 1e-6 * 0.55,
        "prefill_selected": (selected * 1e-6 + pairs * 2e-6) * 0.45,
        "prefill_step": 7,
        "prefill_request": 1,
        "prefill_latency": step / n_out,
    }
    found = part_seconds(of, n_in, n_out, n_kept, 6, requests)
    assert dict(zip(PARTS, found, strict=True)) == pytest.approx(expected, rel=1e-12)


def test_single_precision_is_computed_in_double_precision(traits_of):
    of = {name: np.float32(value) for name, value in traits_of(SPARSE).items()}
    query = [np.float32(number) for number in (123_456.7, 89.1, 34_567.8, 9.9, 123.4)]
    double = {name: float(value) for name, value in of.items()}
    expected = part_seconds(double, *map(float, query))
    np.testing.assert_allclose(part_seconds(of, *query), expected, rtol=1e-14)
    kept = [np.float32(0.1), np.float32(1e7)]
    expected = served_batch(double, *map(float, kept))
    np.testing.assert_allclose(served_batch(of, *kept), expected, rtol=1e-14)


def test_a_latent_cache_is_copied_to_every_gpu_of_a_group(traits_of):
    whole, parted = traits_of(LATENT), traits_of(DENSE)
    one = 35136
    assert whole["cache_s"] == pytest.approx(one / 4.8e12)
    free = 0.9 * 8 * 141 * 2**30 - 671e9
    assert whole["cache_tokens"] == pytest.approx(free / 8 / one)
    spread = traits_of(LATENT | {"tensor_parallel": 1, "attention_data_parallel": 8})
    assert spread["cache_s"] == pytest.approx(whole["cache_s"] / 8)
    assert spread["group"] == 1
    # which no cache of whole heads is
    halved = traits_of(DENSE | {"tensor_parallel": 4})
    assert halved["cache_s"] == pytest.approx(2 * parted["cache_s"])


def test_stages_of_a_pipeline_compute_at_once_and_reduce_nothing(traits_of):
    alone = DENSE | {"gpu": "H200-SXM-141GB", "tensor_parallel": 1}
    one, stages = traits_of(alone), traits_of(alone | {"pipeline_parallel": 4})
    # each reads its own layers for a fourth of the batch: all weights for the whole of it
    assert stages["dense_s"] == pytest.approx(one["dense_s"])
    for name in ("compute_s", "cache_s", "attention_s"):
        assert stages[name] == pytest.approx(one[name] / 4)
    assert (stages["several"], stages["group"]) == (0, 1)
    assert of_part(stages, "link", 1000, 1000, concurrency=64) == 0
    assert stages["cache_tokens"] > 4 * one["cache_tokens"]


def test_the_experts_that_a_batch_touches_grow_with_it(traits_of):
    of = traits_of(LATENT)
    batch = np.array([1.0, 8.0, 64.0, 512.0])
    read = of_part(of, "experts", 1000, 1000, concurrency=batch) / of["experts_s"]
    served = served_batch(of, 1000, 1000, batch)
    expected = 1000 / served * (1 - (1 - 8 / 256) ** served)
    np.testing.assert_allclose(read, expected, rtol=1e-3)
    assert of_part(of, "experts", 1000, 1000, concurrency=1) / of["experts_s"] == pytest.approx(
        1000 * 8 / 256
    )


def test_narrow_experts_take_rows_of_their_own_until_each_has_as_many_tokens(traits_of):
    of = traits_of(LATENT)
    batch = np.array([1.0, 512.0])
    served = served_batch(of, 1000, 1000, batch)
    cost = of_part(of, "narrow", 1000, 1000, concurrency=batch)
    whole = 1000 * of["compute_s"] * of["narrowness"]
    # DeepSeek-R1 sends a token to 8 of 256 experts
    assert cost == pytest.approx(whole / (1 + served * 8 / 256 / 16))
    assert cost[0] == pytest.approx(whole, rel=0.01)


def test_routing_takes_longer_the_more_experts_there_are(traits_of):
    few = traits_of(DENSE | {"model": "Mixtral 8x7B"})
    many = traits_of(LATENT)
    assert (few["routing"], many["routing"]) == (3 / 8, 1)
    assert traits_of(DENSE)["routing"] == 0
    for of, own in ((few, 3 / 8), (many, 1)):
        time = {name: of_part(of, name, 9, 9, concurrency=1) for name in ("step", "step_routing")}
        assert time["step_routing"] == pytest.approx(own * time["step"])


def test_the_batch_is_the_smallest_of_its_limits(traits_of):
    of = traits_of(DENSE)
    assert served_batch(of, 100, 100, 4) == pytest.approx(4, rel=1e-3)
    assert served_batch(of, 100, 100, 4000, 3) == pytest.approx(3, rel=1e-3)
    long = of["cache_tokens"] / 100
    assert served_batch(of, long / 2, long / 2) == pytest.approx(100, rel=1e-3)
    batch = served_batch(of, 1000, 1000, np.geomspace(1, 1e5, 50))
    assert (np.diff(batch) > 0).all()
    assert batch[-1] < min(2048, of["cache_tokens"] / 2000)


def test_an_engine_built_for_a_finite_run_serves_more_at_once(traits_of):
    small = traits_of(DENSE | {"model": "Llama 3.1 8B"})
    endless, built = (served_batch(small, 64, 64, np.inf, n) for n in (np.inf, 1e6))
    assert (endless, built) == (pytest.approx(2048, rel=0.01), pytest.approx(4096, rel=0.01))
    assert served_batch(small, 64, 64, 1e6, 1e6) == pytest.approx(2048, rel=0.01)


def test_a_finite_run_ends_with_a_batch_that_drains(traits_of):
    of = traits_of(DENSE)
    endless = of_part(of, "weights", 100, 100, concurrency=8)
    ending = of_part(of, "weights", 100, 100, concurrency=8, requests=80)
    assert ending / endless == pytest.approx(1 + 0.9 * 8 / 160, rel=1e-3)


@pytest.mark.parametrize(("requests", "batch"), [(1, 1), (8, 8), (3, 3)])
def test_requests_that_are_all_served_at_once_end_at_once(traits_of, requests, batch):
    of = traits_of(DENSE)
    endless = of_part(of, "weights", 100, 100, concurrency=batch)
    at_once = of_part(of, "weights", 100, 100, concurrency=8, requests=requests)
    assert at_once / endless == pytest.approx(1, rel=1e-3)


def test_cached_input_is_read_and_not_computed(traits_of):
    of = traits_of(DENSE)
    all_new, cached = (part_seconds(of, 1000, 10, kept, concurrency=8) for kept in (0, 900))
    change = dict(zip(PARTS, cached / np.where(all_new > 0, all_new, 1), strict=True))
    assert change["prefill_compute"] == change["prefill_link"] == pytest.approx(0.1)
    assert change["prefill_attention"] == pytest.approx(1 - 0.9**2)
    assert change["cache"] == change["weights"] == change["prefill_request"] == 1


@pytest.mark.parametrize("part", ["prefill_step", "prefill_request"])
def test_prefills_of_a_finite_run_that_begin_in_one_step_share_its_fixed_time(traits_of, part):
    """Requests of few tokens end often, so that others begin with them."""
    of = traits_of(DENSE)

    def seconds(n_out, concurrency=np.inf, requests=64):
        return float(of_part(of, part, 100, n_out, concurrency=concurrency, requests=requests))

    alone = seconds(1e9, concurrency=64)
    for n_out in (64, 8, 1):
        assert alone / seconds(n_out) == pytest.approx(1 + 64 / n_out, rel=1e-3)
        # they come one by one where a client keeps the load, and where a run has no end
        assert seconds(n_out, 64) == seconds(n_out, requests=np.inf) == alone
    assert seconds(0) == pytest.approx(seconds(1), rel=1e-4)
    assert type(part_seconds(of, 100, 8, requests=64)) is np.ndarray


def test_a_hybrid_model_reads_and_writes_its_state_with_every_token(traits_of):
    hybrid = DENSE | {"model": "Nemotron Nano 9B v2", "tensor_parallel": 1, "precision": "BF16"}
    state = 2 * 56 * 4480 * 256 * 4 / 3.35e12
    assert of_part(traits_of(hybrid), "state", 500, 10) == pytest.approx(10 * state)
    assert of_part(traits_of(DENSE), "state", 500, 10) == 0


def test_an_indexer_selects_what_is_attended_to(traits_of):
    of = traits_of(SPARSE)
    assert (of["index_tokens"], of["indexed"]) == (2048, 1)
    # 2048 tokens all to all before them, 6144 each to 2048; the indexer scores all pairs
    selected = 2048**2 + 2 * 2048 * 6144
    expected = selected * of["attention_s"] + 8192**2 * of["index_s"]
    assert of_part(of, "prefill_selected", 8192, 1) == pytest.approx(expected)
    assert of_part(of, "prefill_attention", 8192, 1) == 0
    # the same, of which the first half is cached
    fresh = 2 * 2048 * 4096 * of["attention_s"] + (8192**2 - 4096**2) * of["index_s"]
    assert of_part(of, "prefill_selected", 8192, 1, 4096) == pytest.approx(fresh)
    read = 2048 * of["cache_s"] + 8193 * of["index_cache_s"]
    assert of_part(of, "cache_latent", 8192, 2) == pytest.approx(2 * read)


def test_a_short_context_is_attended_to_in_full(traits_of):
    of = traits_of(SPARSE)
    expected = 1000**2 * (of["attention_s"] + of["index_s"])
    assert of_part(of, "prefill_selected", 1000, 1) == pytest.approx(expected)
    # 576 values of a latent entry for 64 heads, at the rate of 16 bit; half of 4096 in 8 bit
    rate = 8 * 989.5e12
    assert of["attention_s"] == pytest.approx(2 * 78 * 64 * 576 / rate)
    assert of["index_s"] == pytest.approx(2 * 78 * 4096 / (2 * rate))
    assert of["index_cache_s"] == pytest.approx(132 * 78 / 4.8e12)


def test_models_without_an_indexer_have_no_index(traits_of):
    for configuration in (DENSE, LATENT):
        of = traits_of(configuration)
        assert (of["index_s"], of["index_cache_s"], of["index_tokens"]) == (0, 0, np.inf)


@pytest.mark.parametrize(
    ("engine", "hidden"),
    [("SGLang", 1), ("dynamo-trt", 1), ("vllm", 0), ("mine", 0), (None, 0), ("absent", 0)],
)
def test_an_engine_that_plans_ahead_hides_its_hosts_time(traits_of, engine, hidden):
    of = traits_of(DENSE if engine == "absent" else DENSE | {"engine": engine})
    assert of["overlapped"] == hidden
    assert of_part(of, "token", 100, 50) == 50 * (1 - hidden)
    assert of_part(of, "token_hidden", 100, 50) == 50 * hidden


def test_nothing_but_the_output_is_decoded(traits_of):
    parts = dict(zip(PARTS, part_seconds(traits_of(LATENT), 1000, 0, concurrency=8), strict=True))
    assert {name for name, value in parts.items() if value > 0} == {
        *(name for name in PARTS if name.startswith("prefill"))
    } - {"prefill_compute", "prefill_selected"}


def test_models_of_one_architecture_and_size_are_one_network(models, gpus):
    names = ["Llama 3.1 70B", "meta-llama/Llama-3.3-70B-Instruct", "Llama 3.1 8B", "DeepSeek-V3"]
    rows = pd.DataFrame([DENSE | {"model": name} for name in names])
    network = add_traits(rows, models, gpus)["network"]
    assert network[0] == network[1]
    assert network.nunique() == 3


def test_lengths_loads_and_configurations_broadcast(models, gpus):
    table = add_traits(pd.DataFrame([DENSE, LATENT]), models, gpus)
    parts = part_seconds(table[TRAITS], [1000, 2000], [10, 20], 0, [8, 64])
    assert parts.shape == (2, len(PARTS))
    one = part_seconds(table[TRAITS].iloc[1].to_dict(), 2000, 20, 0, 64)
    np.testing.assert_allclose(parts[1], one)
