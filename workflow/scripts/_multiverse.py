"""Read the choices of the multiverse and what their methods are built from."""

from dataclasses import replace

from _setups import read_materials
from inference_energy import documents
from inference_energy.method.provenance import as_stated
from inference_energy.robustness.answered import without_unanswered
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
    base, materials = as_stated(base), read_materials(inputs)
    multiverse = Multiverse.of(config, base, *schemas)
    config = without_unanswered(on_base(config, base, schemas[1]), base, materials)
    refused = tuple(rule["when"] for rule in config["refused"])
    return config, replace(multiverse, refused=refused), materials
