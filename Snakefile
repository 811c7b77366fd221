include: "workflow/Snakefile"


# an included file sets no default target
rule all:
    input:
        rules.everything.input,
