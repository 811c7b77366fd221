"""Read the choices of the multiverse and what their methods are built from."""

from _setups import read_materials
from inference_energy import documents
from inference_energy.robustness.choices import Multiverse
from inference_energy.robustness.files import on_base


def read_multiverse(inputs):
    """Return config/multiverse.yaml as of its base (dict), its Multiverse, its methods' Materials.

    Parameters
    ----------
    inputs : snakemake.io.InputFiles
        ``config``, ``method`` and the schemas of both, and as for ``read_materials``.
    """
    config, base, *schemas = (
        documents.read(path)
        for path in (inputs.config, inputs.method, inputs.config_schema, inputs.method_schema)
    )
    multiverse = Multiverse.of(config, base, *schemas)
    return on_base(config, base, schemas[1]), multiverse, read_materials(inputs)
