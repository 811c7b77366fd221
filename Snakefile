include: "workflow/Snakefile"


# an included file sets no default target
rule all:
    """Make every table, figure and page of the configured methods."""
    message:
        "Every table, figure and page is made"
    input:
        rules.everything.input,
