"""Fail if a verdict on a paper's method is not the expected one."""

from _logged import run
from inference_energy.claims.judge import changed_verdicts
from inference_energy.errors import InputError
from inference_energy.tables import read_table


def main(snakemake):
    """Compare the verdicts on the paper's own methods with the expected ones."""
    expected = read_table(snakemake.input.expected, "expected_verdicts")
    problems = []
    for (name, method), path in zip(
        snakemake.params.methods.items(), snakemake.input.claims, strict=True
    ):
        if method["kind"] != "paper":
            continue
        own = expected[expected["method"] == name]
        changed = changed_verdicts(
            read_table(path, "claims"), dict(zip(own["claim"], own["verdict"], strict=True))
        )
        problems += [f"{path}: {sentence}" for sentence in changed]
    if problems:
        # once, below as many lines as there are claims
        advice = f"if the change is meant, state it in {snakemake.input.expected}"
        raise InputError([*problems[:-1], f"{problems[-1]}; {advice}"])


if __name__ == "__main__":
    run(main, snakemake)
