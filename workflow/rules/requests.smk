from inference_energy.requests import files as request_files

REQUESTS = SETTINGS.requests
REQUEST_ANSWERS = request_files.answer_folder(REQUESTS) if REQUESTS else None
REQUEST_LOGS = f"logs/requests/{REQUESTS['name']}" if REQUESTS else None

# a log is read before any job is sent: it lies where it is, and in no bucket
REQUEST_FILES = [local(file) for file in REQUESTS["log"].get("files", [])] if REQUESTS else []


scattergather:
    requests=REQUESTS["parts"] if REQUESTS else 1,


if REQUESTS:

    rule count_requests:
        """Count the requests of one part of a log by their lengths, hours and tenants."""
        message:
            "Counting part {wildcards.scatteritem} of the requests"
        input:
            unpack(lambda _: request_files.day_inputs(REQUESTS)),
            log=REQUEST_FILES,
            code=code("requests/count.py"),
        params:
            log=REQUESTS["log"],
            settings=request_files.counting(REQUESTS),
            stated=sorted(REQUESTS["stated"]),
            memory_mb=request_files.MEMORY_MB,
        output:
            **{
                name: f"{REQUESTS['folder']}/parts/{{scatteritem}}/{name}.parquet"
                for name in request_files.COUNTS
            },
        log:
            f"{REQUEST_LOGS}/count_{{scatteritem}}.log",
        threads: max(1, workflow.cores // REQUESTS["parts"])
        conda:
            "../../environment.yml"
        script:
            "../scripts/requests/count.py"

    rule find_duplicate_requests:
        """Find the requests that a log with ids holds more than once."""
        message:
            "Finding requests that are there more than once"
        input:
            log=REQUEST_FILES,
            code=code("requests/find.py"),
        params:
            log=REQUESTS["log"],
            settings=request_files.counting(REQUESTS),
            memory_mb=request_files.MEMORY_MB,
        output:
            **{
                name: f"{REQUESTS['folder']}/duplicates/{name}.parquet"
                for name in [*request_files.COUNTS, "surplus"]
            },
        log:
            f"{REQUEST_LOGS}/find_duplicates.log",
        threads: workflow.cores
        conda:
            "../../environment.yml"
        script:
            "../scripts/requests/find.py"

    rule answer_requests:
        """Gather the counts of a log's parts and compute its energy."""
        message:
            "Computing the energy of the requests"
        input:
            unpack(lambda _: request_files.inputs(REQUESTS)),
            **{
                name: gather.requests(f"{REQUESTS['folder']}/parts/{{scatteritem}}/{name}.parquet")
                for name in request_files.COUNTS
            },
            duplicates=rules.find_duplicate_requests.output if "id" in REQUESTS["stated"] else [],
            log=REQUEST_FILES,
            code=code("requests/answer.py"),
        params:
            log=REQUESTS["log"],
            settings=REQUESTS["settings"],
            memory_mb=request_files.MEMORY_MB,
            title=REQUESTS["title"],
            method=REQUESTS["served"]["method"],
            deployment=REQUESTS["served"] if "path" in REQUESTS["served"] else None,
            reference=REQUESTS["reference"],
            stated=sorted(REQUESTS["stated"]),
            format=REQUESTS["format"],
            load=REQUESTS["load"],
            left_out=REQUESTS["left_out"],
            tables=request_files.tables(REQUESTS),
        output:
            **{name: f"{REQUEST_ANSWERS}/{name}.csv" for name in request_files.tables(REQUESTS)},
            figures=expand(
                "{folder}/{name}.{kind}",
                folder=REQUEST_ANSWERS,
                name=request_files.figures(REQUESTS),
                kind=["png", "svg"],
            ),
            page=f"{REQUEST_ANSWERS}/report.md",
            html=f"{REQUEST_ANSWERS}/report.html",
        log:
            f"{REQUEST_LOGS}/answer.log",
        threads: workflow.cores
        conda:
            "../../environment.yml"
        script:
            "../scripts/requests/answer.py"

    rule requests:
        """Energy of a request log: --config log=PATH method=NAME, or deployment=FILE."""
        message:
            "The log's energy is computed"
        input:
            rules.answer_requests.output,

else:

    rule requests:
        """Energy of a request log: --config log=PATH method=NAME, or deployment=FILE."""
        message:
            "Looking for a log"
        input:
            needing("log"),
        params:
            problem=request_files.WITHOUT_LOG,
        log:
            "logs/requests/requests.log",
        conda:
            "../../environment.yml"
        shell:
            "echo {params.problem:q} > {log}; exit 1"
