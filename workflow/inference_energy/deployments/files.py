"""An operator's deployment file as a method."""

from inference_energy import checks
from inference_energy.errors import InputError
from inference_energy.method import files as method_files


def resolve(own, name, where, files, schemas):
    """Merge a deployment file with the method that it extends, and check all of it.

    Parameters
    ----------
    own : dict
        Content of the file.
    name : str
        Its name without ending.
    where : str
        The file, for messages.
    files : dict of str to dict
        Method files by name.
    schemas : dict of str to dict
        JSON Schemas ``method``, ``deployment`` and ``facts``.

    Returns
    -------
    dict
        Resolved method with the section ``deployment``.

    Raises
    ------
    InputError
        Listing every problem.
    """
    if not isinstance(own, dict):
        raise InputError(f"{where}: holds no keys; extends and deployment are needed; add them")
    allowed = ", ".join(sorted(files))
    if "extends" not in own:
        raise InputError(
            f"{where}: missing key extends; allowed are {allowed}; state the method to start from"
        )
    if name in files:
        raise InputError(
            f"{where}: value {name}: is the name of a method; allowed is any other; rename the file"
        )
    section = own.get("deployment")
    if not isinstance(section, dict):
        raise InputError(f"{where}: missing key deployment; see docs/deployments.md; state it")
    stated = {key: value for key, value in own.items() if key != "deployment"}
    method = method_files.resolve(name, files | {name: stated}, where=where)
    problems = checks.schema_problems({"deployment": section}, _wrapped(schemas), where)
    problems += method_files.range_problems({"deployment": section}, where)
    try:
        method_files.check(method, schemas["method"], name, where)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    return method | {"deployment": section}


def _wrapped(schemas):
    """Schema of {deployment: section}, so that messages name keys as the file does."""
    section = dict(schemas["deployment"])
    definitions = section.pop("$defs")
    properties = section["properties"] | {"facts": schemas["facts"]}
    return {
        "properties": {"deployment": section | {"properties": properties}},
        "$defs": definitions,
    }
