"""InferenceX (formerly InferenceMAX): agg_*.json, one configuration per object.

Throughput is given per GPU. In a disaggregated deployment output_tput_per_gpu is per decode GPU,
while the power is that of all GPUs; before version 2 of the power schema, its joules per token are
those of one role. Latencies are in seconds. isl and osl are nominal lengths.
"""

from inference_energy.readers.common import PERCENTILES, Record, Run, shown
from inference_energy.readers.consistency import agree
from inference_energy.units import duration

CLIENT = "inferencex"
LATENCY_NAMES = {"ttft": "ttft", "itl": "itl", "e2e": "e2el"}

# The runner's name begins with its hardware; all are HGX, NVL72 or OAM machines.
GPUS = {
    "h100": "H100-SXM-80GB",
    "h200": "H200-SXM-141GB",
    "b200": "B200",
    "b300": "B300",
    "gb200": "GB200",
    "gb300": "GB300",
    "mi300x": "MI300X",
    "mi325x": "MI325X",
    "mi355x": "MI355X",
}

ALL_ROLES = 2
"""Version of the power schema from which joules per token are those of all GPUs."""

PER_SLOT = (1, 50)
"""Requests that each of the concurrent ones is followed by; its scripts send ten."""

NOMINAL = 0.1
"""How much isl / osl may differ from that of the tokens sent, both drawn below them (relative)."""


def recognise(record: Record) -> bool:
    """Whether a JSON object is an aggregate of InferenceX."""
    return {"hw", "tput_per_gpu"} <= record.keys()


def read(run: Run) -> None:
    """Read one aggregate of InferenceX into `run`."""
    raw = run.raw
    run.put("model", raw.get("model"))
    run.put("gpu", GPUS.get(str(raw["hw"]).lower().replace("_", "-").split("-")[0]))
    run.put_precision(raw.get("precision"))
    run.put("concurrency", run.number("conc"))
    run.put("input_tokens", run.number("isl"))
    run.put("output_tokens", run.number("osl"))
    _read_throughput(run)
    _read_power(run)
    for ours, theirs in LATENCY_NAMES.items():
        for percentile in PERCENTILES:
            name = "median" if percentile == "p50" else percentile
            run.put(f"{ours}_{percentile}_s", run.number(f"{name}_{theirs}"))
    # no column holds the time per output token
    for ours, theirs in {**LATENCY_NAMES, "tpot": "tpot"}.items():
        mean, deviation = (run.number(f"{name}_{theirs}") for name in ("mean", "std"))
        run.put_spread(ours, mean=mean, deviation=deviation)


def _read_throughput(run: Run) -> None:
    """Throughput and parallelism; the GPUs that the per-GPU throughput was divided by differ."""
    per_gpu = run.needed("output_tput_per_gpu")
    if run.raw.get("is_multinode"):
        prefill, decode = run.needed("num_prefill_gpu"), run.needed("num_decode_gpu")
        if prefill is None or decode is None:
            return
        gpus = prefill + decode
        divisor = decode or gpus
        role = "decode_" if decode else "prefill_"
        _check_workers(run, "prefill", prefill)
        _check_workers(run, "decode", decode)
    else:
        tensor = run.needed("tp")
        if tensor is None:
            return
        role = ""
        gpus = tensor * (run.number("pp") or 1) * (run.number("pcp_size") or 1)
        divisor = gpus
    run.put("n_gpus", gpus)
    run.put("tensor_parallel", run.number(f"{role}tp"))
    run.put("pipeline_parallel", run.number(f"{role}pp") or 1)
    run.put("throughput_tps", per_gpu, divisor)
    _check_throughput(run, gpus, divisor, per_gpu)


def _check_workers(run: Run, role: str, gpus: float) -> None:
    """GPUs of a role against those of its workers.

    Where attention is of parallel data, the tensor parallelism may be that of one of its ranks.
    """
    names = [f"{role}_{name}" for name in ("num_workers", "tp", "pp", "pcp_size")]
    workers, tensor, stages, contexts = map(run.number, names)
    expected = (workers or 0) * (tensor or 0) * (stages or 1) * (contexts or 1)
    in_ranks = str(run.raw.get(f"{role}_dp_attention", False)).lower() != "false"
    if not gpus or not expected or (in_ranks and gpus % expected == 0):
        return
    if gpus != expected:
        formula = " x ".join(names)
        run.marks.append(f"num_{role}_gpu {gpus:.6g} where {formula} is {expected:.6g}")


def _check_throughput(run: Run, gpus: float, divisor: float, per_gpu: float | None) -> None:
    """Tokens of both kinds of all GPUs against their sum, and against the lengths."""
    both, inputs = run.number("tput_per_gpu"), run.number("input_tput_per_gpu")
    if both is None or inputs is None or per_gpu is None:
        return
    readers = run.number("num_prefill_gpu") if run.raw.get("is_multinode") else gpus
    total = inputs * (readers or gpus) + per_gpu * divisor
    agree(run, "tput_per_gpu", both * gpus, total, "input + output of all GPUs", "tokens/s")
    isl, osl = run.row.get("input_tokens"), run.row.get("output_tokens")
    if isl and osl:
        expected, formula = per_gpu * divisor * isl / osl, "output x isl / osl"
        stated = inputs * (readers or gpus)
        agree(run, "input_tput_per_gpu", stated, expected, formula, "tokens/s", NOMINAL)


def _read_power(run: Run) -> None:
    measured = {"avg_power_w", "avg_total_gpu_power_w", "total_gpu_energy_j"} & run.raw.keys()
    valid = run.raw.get("power_valid", True)
    if valid not in (1, True):
        run.drop_energy(f"power_valid is {shown(valid)}")
        return
    joules = run.number("joules_per_output_token")
    version = run.number("power_metric_schema_version") or 1
    split = run.raw.get("is_multinode") or run.raw.get("disagg")
    of_one_role = bool(split) and joules is not None and version < ALL_ROLES
    if of_one_role and not measured:
        run.drop_energy(
            f"joules_per_output_token is of one role before version {ALL_ROLES} of"
            " power_metric_schema_version"
        )
        return
    if not of_one_role:
        run.put_energy("energy_per_output_token_j", joules)
    if not measured:
        return
    total = run.number("avg_total_gpu_power_w")
    per_gpu, gpus = run.number("avg_power_w"), run.row.get("n_gpus")
    if per_gpu is not None and gpus is not None:
        agree(run, "power: avg_total_gpu_power_w", total, per_gpu * gpus, "that of one x GPUs", "W")
        total = per_gpu * gpus if total is None else total
    run.put_energy("gpu_power_w", total)
    run.put_energy("gpu_energy_j", run.number("total_gpu_energy_j"))
    if total and run.row.get("gpu_energy_j"):
        run.put("duration_s", duration(run.row["gpu_energy_j"], total))
    if not of_one_role:
        _check_joules(run, joules)


def _check_joules(run: Run, token: float | None) -> None:
    """Joules per query and token against the lengths, and the total against the requests."""
    osl, isl = run.row.get("output_tokens"), run.row.get("input_tokens")
    query = run.number("joules_per_successful_query")
    parts = (
        ("joules_per_output_token", token, osl),
        ("joules_per_input_token", run.number("joules_per_input_token"), isl),
        ("joules_per_total_token", run.number("joules_per_total_token"), (osl or 0) + (isl or 0)),
    )
    for name, joules, length in parts:
        if query and joules and length:
            formula = f"{name} x the nominal length"
            text = "power: joules_per_successful_query"
            agree(run, text, query, joules * length, formula, "J", NOMINAL)
    total, slots = run.row.get("gpu_energy_j"), run.row.get("concurrency")
    query = query or (token or 0) * (osl or 0)
    if total and query and slots:
        requests = total / query
        least, most = PER_SLOT
        if not least * slots <= requests <= most * slots:
            run.marks.append(
                f"power: gpu_energy_j {total:.6g} J is that of {requests:.6g} requests where"
                f" {slots:g} at once and about ten after another were sent"
            )
