"""ML.ENERGY leaderboard, version 3: tasks/<task>.json with a list of configurations.

Power and energy are those of the GPU boards in steady state, measured with Zeus. Input lengths
are not given, so input_tokens stays empty unless the facts state it.
"""

from inference_energy.readers.common import Record, Run
from inference_energy.readers.consistency import TOLERANCE, agree
from inference_energy.units import MILLI

CLIENT = "mlenergy"

# The leaderboard names the chip; version 3 was measured on 8-GPU HGX machines (SXM form).
GPUS = {"H100": "H100-SXM-80GB", "B200": "B200"}

FULL = 0.5
"""Mean batch over the most sequences at once, as of a server that is kept full: the 515 rows of
data/measured/mlenergy_v3.csv have 0.85 or more. [1]"""


def recognise(record: Record) -> bool:
    """Whether a JSON object is a task file of the leaderboard."""
    return "task" in record and isinstance(record.get("configurations"), list)


def split(where: str, record: Record) -> list[Run]:
    """Runs of a task file, one per configuration."""
    runs = []
    for index, configuration in enumerate(record["configurations"], start=1):
        run = Run(f"{where}, configuration {index}", CLIENT)
        if isinstance(configuration, dict):
            run.raw = configuration
        else:
            run.refuse("is not an object; download the task file again")
        runs.append(run)
    return runs


def read(run: Run) -> None:
    """Read one configuration of the leaderboard into `run`."""
    raw = run.raw
    run.put("model", raw.get("model_id"))
    run.put("gpu", GPUS.get(str(raw.get("gpu_model")), raw.get("gpu_model")))
    run.put_precision(raw.get("weight_precision"))
    run.put("n_gpus", run.needed("num_gpus"))
    run.put("tensor_parallel", run.needed("tensor_parallel"))
    _read_pipeline(run)
    run.put("concurrency", run.number("max_num_seqs"))
    run.put("output_tokens", run.needed("avg_output_len"))
    run.put("throughput_tps", run.needed("output_throughput_tokens_per_sec"))
    run.put_energy("gpu_power_w", run.number("avg_power_watts"))
    token, length = run.number("energy_per_token_joules"), run.row.get("output_tokens")
    run.put_energy("energy_per_output_token_j", token)
    if token and length:
        stated, formula = run.number("energy_per_request_joules"), "energy per token x mean length"
        agree(run, "power: energy_per_request_joules", stated, token * length, formula, "J")
    for percentile, name in (("p50", "median"), ("p90", "p90"), ("p95", "p95"), ("p99", "p99")):
        run.put(f"itl_{percentile}_s", run.number(f"{name}_itl_ms"), MILLI)
    _check_batch(run)


def _check_batch(run: Run) -> None:
    """Most sequences at once against how many there were in the mean."""
    most, batch = run.row.get("concurrency"), run.number("avg_batch_size")
    if most and batch and not FULL * most <= batch <= most * (1 + TOLERANCE):
        run.marks.append(f"concurrency {most:.6g} where avg_batch_size is {batch:.6g}")


def _read_pipeline(run: Run) -> None:
    """One stage, if the other kinds of parallelism already account for every GPU."""
    gpus, tensor = run.row.get("n_gpus"), run.row.get("tensor_parallel")
    copies, experts = run.number("data_parallel") or 1, run.number("expert_parallel") or 1
    if gpus and tensor and gpus in (tensor * copies, tensor * copies * experts):
        run.put("pipeline_parallel", 1)
