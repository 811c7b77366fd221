# A job is on one core, and `priority` orders them: first what others wait for, then the longest, by
# its seconds, so that all cores are busy to the end. --set-threads RULE=N gives a rule processes.
import os
import re
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import IOCache

from inference_energy import config as config_files
from inference_energy import copies, stopping
from inference_energy.errors import InputError
from inference_energy.imports import behind, modules
from inference_energy.laws import shared_fits
from inference_energy.laws.registry import LAWS
from inference_energy.method.files import lineage
from inference_energy.method.materials import inputs_of, inputs_of_any, law_tables
from inference_energy.method.materials import serving_inputs, tables_of
from inference_energy.project import is_own, own, provided, unreadable
from inference_energy.reuse import checksums
from inference_energy.tables import schema_path
from inference_energy.templates import parts_of

# what `rule everything` makes; every included file adds its own
TARGETS = []

# every figure of a method and its category in the report
FIGURE_CATEGORIES = {
    "1a": "Energy per query",
    "1b": "Energy per query",
    "2a": "Test-time scaling",
    "2b": "Test-time scaling",
    "3a": "Fleet",
    "3b": "Fleet",
    "s1": "Supplement",
    "s2": "Supplement",
    "s3": "Supplement",
    "s4": "Supplement",
    "scaling": "Test-time scaling",
    "footprint": "Water and carbon",
    "claims": "Claims",
    "uncertainty": "Energy per query",
}

# seconds by which two readings of one time may differ
SAME_TIME = 0.001

# what --set-scatter splits
SPLIT = ("requests", "multiverse")

try:
    SETTINGS = config_files.load(config)
except InputError as error:
    raise WorkflowError(str(error)) from None

# every run checks them by their checksums, but Snakemake reads them before
if told := unreadable(checksums.files(own("data")).values()):
    raise WorkflowError("\n".join(told))

# Snakemake lets a workflow of no parts run, and passes over names that nothing is split by; another
# workflow that uses this one as a module has names of its own
told = [
    f"--set-scatter: value {name}={parts}: allowed is {' or '.join(SPLIT)} and a whole number above"
    " zero, as in requests=64; correct it"
    for name, parts in workflow.resource_settings.overwrite_scatter.items()
    if parts < 1 or (is_own() and name not in SPLIT)
]
if told:
    raise WorkflowError("\n".join(told))

# ALL_METHODS can be built, METHODS of them are built by default
ALL_METHODS = SETTINGS.methods
METHODS = {name: ALL_METHODS[name] for name in config["methods"] if name in ALL_METHODS}

# the order of pages for readers
PAPER_FIRST = sorted(METHODS, key=lambda name: (METHODS[name]["kind"] != "paper", name))


# broken ones too, so that what is wrong with them is told of their results
wildcard_constraints:
    method="|".join(map(re.escape, SETTINGS.named)),


# problems that an input ended on: Snakemake passes over them where the file that needs it is there
ENDING = {}


def needed(*names):
    """No inputs; what is wrong with these files of config/, or methods, ends the run."""
    if problems := SETTINGS.problems(*names):
        ENDING.update(dict.fromkeys(problems))
        raise WorkflowError("\n".join(problems))
    return []


def needing(*names):
    """Input of a rule that these files of config/ stand behind."""
    return lambda wildcards: needed(*names)


def never_reached():
    """What --until names beyond where it ends the run, of which Snakemake says that it has a bug."""
    ends = {}
    for job in workflow.dag.needrun_jobs():
        for value in workflow.dag_settings.until:
            if value == job.rule.name or value in job.output:
                ends[job] = value
    pairs = {
        (value, ends[before])
        for job, value in ends.items()
        for before in workflow.dag.bfs(workflow.dag.dependencies, job)
        if ends.get(before, value) != value
    }
    return [
        f"--until: value {value}: needs {before}, at which the run ends; allowed are rules and files"
        " of which none needs another; leave one out, and put what is asked for before --until, which"
        " takes all words that follow it: snakemake FILE --until RULE"
        for value, before in sorted(pairs)
    ]


def tell_wrong():
    """End a run that needs what is wrong, or does not read a key that it is asked by; warn of what
    is wrong with files that it does without.
    """
    # a run's jobs have its keys and other targets, and a workflow around this one keys of its own
    if workflow.is_main_process and Path(workflow.main_snakefile).is_relative_to(PROJECT):
        stated, asked = workflow.config_settings.config, workflow.dag_settings.targets
        ENDING.update(dict.fromkeys(config_files.misplaced_keys(stated, asked)))
        ENDING.update(dict.fromkeys(never_reached()))
    if ENDING:
        raise WorkflowError("\n".join(ENDING))
    told, lines = set(), []
    for name, target in config_files.NEEDED_BY.items():
        problems = [problem for problem in SETTINGS.problems(name) if problem not in told]
        if name in config_files.OTHERS and problems:
            told.update(problems)
            if Path(provided(f"config/{name}.yaml")).exists():
                lines.append("\n".join([*problems, f"Only `snakemake {target}` needs this."]))
    # that nothing is compared with the base is no matter of a file
    of_files = [name for name in config_files.OF_ALL if name != "base"]
    if problems := [problem for problem in SETTINGS.problems(*of_files) if problem not in told]:
        lines.append("\n".join([*problems, "This run does without."]))
    # a what-if reads its methods itself, and may be one of the method that nobody has listed
    if SETTINGS.unasked and "whatif" not in workflow.dag_settings.targets:
        lines.append("\n".join([*SETTINGS.unasked, "Only a run that names it needs it."]))
    for line in lines:
        logger.warning(line)


def method(name):
    """A method, resolved; if it is broken, that ends the run."""
    if name not in ALL_METHODS:
        needed("methods")
    return ALL_METHODS[name]


def method_chain(wildcards):
    """Files that a method is made of: its own and those of its parents."""
    path = SETTINGS.paths.get(wildcards.method)
    problems = config_files.table_problems(method(wildcards.method), path)
    # a workflow that uses this one as a module may have rules that make its tables
    if problems and is_own():
        ENDING.update(dict.fromkeys(problems))
        raise WorkflowError("\n".join(problems))
    return [SETTINGS.paths[name] for name in lineage(wildcards.method, SETTINGS.files)]


def deployment(wildcards):
    """A deployment; if it is broken, or another has its name, that ends the run."""
    known = SETTINGS.deployments
    found = known.get(wildcards.deployment)
    if not found or found["folder"] != f"{wildcards.base}/deployments/{wildcards.deployment}":
        needed("deployments", "examples")
        raise WorkflowError(
            f"{wildcards.base}/deployments/{wildcards.deployment}: is no folder of a deployment of"
            f" this run; allowed are {', '.join(each['folder'] for each in known.values())};"
            " ask for one of them, or state another after --config, as deployments=FILE"
        )
    return found


def document(name):
    """Content of a file of config/ that a rule needs; its problems end the run."""
    needed(name)
    return SETTINGS.documents[name]


def scenarios():
    """Methods of config/scenarios.yaml, resolved, by name; a wrong name ends the run."""
    content = document("scenarios")
    if set(content["methods"]) & set(SETTINGS.named) - set(ALL_METHODS):
        needed("methods")
    wrong = [name for name in content["methods"] if name not in ALL_METHODS]
    names = [each["name"] for each in content["maps"]]
    problems = [
        f"config/scenarios.yaml: key methods: value {name}: is no method of this run; allowed are"
        f" {', '.join(ALL_METHODS)}; correct it, or list it in config/config.yaml"
        for name in wrong
    ] + [
        f"config/scenarios.yaml: key maps: name {name}: stands there twice; allowed is once;"
        " rename one"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    if problems:
        raise WorkflowError("\n".join(problems))
    return {name: ALL_METHODS[name] for name in content["methods"]}


def refuse_elsewhere(rule, instead):
    """No further inputs; one line where another workflow uses this one as a module."""
    if not is_own():
        raise WorkflowError(
            f"{rule} reads the repository of this project and is no rule for another workflow; run"
            f" `snakemake {rule}` in a clone of it, or ask here for another target: {instead}"
        )
    return []


def is_part():
    """Whether a run leaves out what its targets need, so that what lies there is of another."""
    return bool(workflow.dag_settings.until or workflow.dag_settings.omit_from)


def asks_for_results():
    """Whether the run makes the results of methods, all or those of the audit."""
    if is_part():
        return False
    asked = set(workflow.dag_settings.targets)
    return not asked or bool(asked & {"all", "everything", "audit"})


def changed_since_made():
    """Outputs that were written since a step of this folder made them, as by git: their paths."""
    changed = set()
    for file in (file for job in workflow.dag.jobs for file in job.output):
        # of an output Snakemake notes the time at which it was written
        made = getattr(workflow.persistence.metadata(file), "endtime", None)
        if made and os.path.isfile(file) and abs(os.path.getmtime(file) - made) > SAME_TIME:
            changed.add(str(file))
    return sorted(changed)


def removed():
    """Files that git has and this run removed for steps that did not end: their paths."""
    from inference_energy.comparison.snapshots import deleted_files

    made = {str(file) for job in workflow.dag.needrun_jobs() for file in job.output}
    return [path for path in deleted_files(Path()) if path in made]


def idle_words():
    """Lines that a run ends with which finds nothing to do."""
    return [*stopping.kept_words(changed_since_made()), *last_words()]


def last_words():
    """Lines that a run ends with: what it was asked for."""
    from inference_energy.claims.page import console_summary
    from inference_energy.comparison.ending import ending, ending_of_part
    from inference_energy.deployments.files import answers
    from inference_energy.requests.files import answers as requested
    from inference_energy.tables import read_table

    asked = set(workflow.dag_settings.targets)
    if is_part():
        return []
    if "whatif" in asked:
        page = Path("build/whatif/page.md").read_text(encoding="utf-8")
        # the answer stands first on the page and last on the screen
        return [page, *(line.strip("*") for line in page.splitlines() if line[:2] == "**")]
    if "requests" in asked and SETTINGS.requests:
        return requested(SETTINGS.requests)
    if "deployments" in config and "stress" not in asked:
        return answers(SETTINGS.deployments[name] for name in SETTINGS.asked)
    first = ["Read build/report.html first."] if "build/report.html" in asked else []
    if not asks_for_results():
        pages = {
            "laws": [f"{LAWS_FOLDER}/{name}.md" for name in ("throughput_laws", "predicted")],
            "peers": [rules.compare_asked_peers.output.page],
        }
        found = [
            page for name in pages for page in pages[name] if name in asked and Path(page).exists()
        ]
        if found:
            return [f"Look at {' and '.join(found)}."]
        outputs = {str(file) for job in workflow.dag.jobs for file in job.output}
        made = {str(file) for job in workflow.dag.finished_jobs for file in job.output}
        return [*ending_of_part(Path(), asked, outputs, made), *first]
    tables = {name: f"results/{name}/claims.csv" for name in PAPER_FIRST}
    of_all = not asked or asked & {"all", "everything"}
    if not of_all or not all(Path(path).exists() for path in tables.values()):
        return [*ending(Path()), *first]
    kinds = {name: method["kind"] for name, method in METHODS.items()}
    claims = {name: read_table(path, "claims") for name, path in tables.items()}
    return [console_summary(claims, kinds), *ending(Path()), *first]


def stopped_words():
    """Line that a run ends with which is stopped."""
    asked = workflow.dag_settings
    forcing = {
        "--forceall": asked.forceall,
        "--forcerun": asked.forcerun,
        "--force": asked.forcetargets,
    }
    forced = next((option for option, given in forcing.items() if given), "")
    return stopping.words(workflow.scheduler.finished_jobs, len(workflow.dag), forced)


def method_inputs(name):
    """Files that a method is built from: itself, resolved, and the tables that it uses."""
    return {"method": f"results/{name}/method.yaml"} | inputs_of(method(name))


def estimate_inputs(wildcards):
    """Files that the estimate of a method starts from."""
    return method_inputs(wildcards.method)


def source_inputs(names, more=()):
    """Files that methods, and mixtures of them, can be built from; with more throughput tables."""
    return inputs_of_any([ALL_METHODS[name] for name in names if name in ALL_METHODS], more)


def schema_file(name):
    """Schema of a table, as an input."""
    return own(schema_path(name).relative_to(PROJECT))


def result_tables(paths):
    """Tables of results among paths."""
    return sorted({path for path in map(str, paths) if re.match(r"results/.*\.csv$", path)})


def code(script):
    """Library files and templates behind a script, as inputs: an edit re-runs the rule."""
    files, templates = behind(SCRIPTS / script, (LIBRARY.parent, SCRIPTS))
    found = {own(file.relative_to(PROJECT)) for file in files}
    named = {name for template in templates for name in parts_of(template)}
    return sorted(found | {own(f"workflow/templates/{name}") for name in named})


def checksums_once():
    """Take the checksum of an input of a job once, where Snakemake takes it for each output.

    Jobs have dozens of both, and while it does so no other job begins.
    """
    finished, usual = workflow.persistence.finished, workflow.iocache

    async def remembering(job):
        workflow.iocache = IOCache(usual.max_wait_time)
        try:
            await finished(job)
        finally:
            workflow.iocache = usual

    workflow.persistence.finished = remembering


def locks_of_run(own_folder):
    """Locks of the checkout: none for a run that makes files of its own folder alone.

    Parameters
    ----------
    own_folder : str
        Folder of a stress test or of a request log; empty for other runs.

    Returns
    -------
    list of Lock

    Raises
    ------
    InputError
        If another run works in the checkout; with what would let both run, if there is that.
    """
    from inference_energy.lock import Lock

    made = [str(file) for job in workflow.dag.needrun_jobs() for file in job.output]
    outside = sorted(file for file in made if not Path(file).is_relative_to(own_folder or "/"))
    if own_folder and not outside:
        return []
    try:
        return [Lock(Path())]
    except InputError as error:
        if not own_folder:
            raise
        raise InputError(
            f"{error}; this one needs results that are older than what they are made from, as"
            f" {outside[0]}: after `snakemake` has made them it could run beside the other"
        ) from None


def runs_anew():
    """Whether a run of all jobs begins here, whatever there is."""
    return (
        is_own()
        and workflow.is_main_process
        and workflow.dag_settings is not None
        and workflow.dag_settings.forceall
        and not workflow.output_settings.dryrun
    )


@cache
def folder_of_run():
    """Path of a folder that the jobs read, removed when this process ends."""
    workflow.fits, workflow.fits_owner = shared_fits.of_run()
    return workflow.fits.name


@cache
def start_copies():
    """Start the process that jobs are copies of, and give its socket; nothing if there is none."""
    place = str(Path(folder_of_run(), "copies"))
    of_library = [name for name in modules(LIBRARY.parent) if name.startswith(LIBRARY.name)]
    found = ["snakemake.iocontainers", "snakemake.logging", *of_library]
    workflow.copies = copies.start(place, found)
    return place if workflow.copies else ""


def vector(name, topic):
    """SVG of a figure, shown in the report with the figure's caption."""
    return report(
        f"figures/{{method}}/{name}.svg",
        caption=f"../report/{topic}/{name}.rst",
        category=FIGURE_CATEGORIES[name],
        labels={"method": "{method}", "shows": f"figure {name}"},
    )


def figure_files(topic, *names):
    """SVG and PNG of some figures of a topic."""
    pictures = [f"figures/{{method}}/{name}.png" for name in names]
    return [vector(name, topic) for name in names] + pictures


def reported(path, topic, category):
    """Result table of a method, offered in the report with its caption."""
    name = Path(path).stem
    return report(
        path,
        caption=f"../report/{topic}/table_{name}.rst",
        category=category,
        labels={"method": "{method}", "shows": f"table {name}"},
    )


def deployed(name):
    """Figure or page of a deployment, shown in the report with its caption."""
    return report(
        f"{{base}}/deployments/{{deployment}}/{name}",
        caption=f"../report/deployments/{Path(name).stem}.rst",
        category="Deployments",
        labels={"deployment": "{deployment}", "shows": Path(name).stem},
    )


def captioned(path, topic, category="Audit"):
    """Figure or page that is not the paper's, shown in the report with its caption."""
    name = Path(path).stem
    return report(
        path,
        caption=f"../report/{topic}/{name}.rst",
        category=category,
        labels={
            "method": "{method}" if "{method}" in path else "none",
            "shows": name.replace("_", " "),
        },
    )
