"""Read the choices of the multiverse and what their methods are built from."""

from _setups import read_all_sources
from inference_energy import documents
from inference_energy.robustness.choices import Multiverse


def read_multiverse(inputs):
    """Return config/multiverse.yaml (dict), its Multiverse, and the Sources of its methods.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``config``, ``method`` and the schemas of both, and as for ``read_all_sources``.
    """
    config, base, *schemas = (
        documents.read(path)
        for path in (inputs.config, inputs.method, inputs.config_schema, inputs.method_schema)
    )
    return config, Multiverse.of(config, base, *schemas), read_all_sources(inputs)
