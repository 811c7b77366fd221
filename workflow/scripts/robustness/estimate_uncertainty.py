"""What the spread of a method's energies comes from, and its classes of models."""

from pathlib import Path

import pandas as pd
from _logged import run
from _setups import read_setup
from inference_energy.drawing import save_all
from inference_energy.energy.exact import blend_energy, regime_energy
from inference_energy.laws.hardware import find_model
from inference_energy.reports import told
from inference_energy.robustness.figures import variance_shares
from inference_energy.robustness.uncertainty import by_class, page, variance_parts
from inference_energy.tables import read_table, write_table, write_text


def main(snakemake):
    """Estimate, write and draw."""
    read, output = snakemake.input, snakemake.output
    _, setup = read_setup(read)
    models = read_table(read.architectures, "models")
    architectures = {
        model.name: find_model(pd.Series({"model": model.name}), models)["architecture"]
        for model in setup.models
    }
    parts, classes, pools = [], [], {}
    for name, regime in setup.regimes.items():
        energies, members = regime_energy(setup, regime)
        pools[name] = blend_energy(setup, energies, members, trim=False)
        parts.append(variance_parts(setup, regime, members).assign(regime=name))
        classes.append(by_class(setup, regime, members, architectures).assign(regime=name))
    parts, classes = pd.concat(parts), pd.concat(classes)
    extrapolation = read_table(read.extrapolation, "extrapolation")
    write_table(parts, output.parts, "uncertainty")
    write_table(classes, output.classes, "classes")
    save_all({"uncertainty": variance_shares(parts)}, [output.svg, output.png])
    text = page(snakemake.wildcards.method, parts, classes, pools, extrapolation)
    write_text(output.page, told(text, Path(output.page).parent))


if __name__ == "__main__":
    run(main, snakemake)
