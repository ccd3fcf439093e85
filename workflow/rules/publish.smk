"""Publication: the study's tables and figures, and the packages that made them.

Needs what the module of a table or figure says in its `NEEDS`, for the whole study. Gives the
files, marked for the report. The modules are read here, never imported.
"""

LIST_PACKAGES = "python -m pip list --format=freeze > {output} 2> {log}"


rule make_table:
    input:
        publication_files,
        runs=FILES["runs"](),
    output:
        csv="results/tables/{table}.csv",
        md="results/tables/{table}.md",
        tex="results/tables/{table}.tex",
        html=for_report("results/tables/{table}.html", "{table}", "table"),
        reproduce="results/tables/{table}.reproduce.csv",
    log:
        "results/logs/tables/{table}.log",
    benchmark:
        "results/benchmarks/tables/{table}.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        module=lambda wildcards: wildcards.table,
        values=publication_values,
        tests=untracked(lambda wildcards: tests_behind()),
        caption=untracked(lambda wildcards: publication_of(wildcards).caption),
        code=code("make_publication.py", publication_module),
    message:
        "Writing the table {wildcards.table}"
    script:
        "../scripts/make_publication.py"


rule make_figure:
    input:
        publication_files,
    output:
        png="results/figures/{figure}.png",
        svg=for_report("results/figures/{figure}.svg", "{figure}", "figure"),
    log:
        "results/logs/figures/{figure}.log",
    benchmark:
        "results/benchmarks/figures/{figure}.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        module=lambda wildcards: wildcards.figure,
        values=publication_values,
        caption=untracked(lambda wildcards: publication_of(wildcards).caption),
        code=code("make_publication.py", publication_module),
    message:
        "Drawing the figure {wildcards.figure}"
    script:
        "../scripts/make_publication.py"


rule list_packages:
    input:
        CPU_ENV,
    output:
        report(
            "results/packages.txt",
            caption="../report/packages.rst",
            category=numbered_category("Provenance"),
            labels={"result": "packages (list)"},
        ),
    log:
        "results/logs/packages.log",
    benchmark:
        "results/benchmarks/packages.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(1000),
        runtime=10,
    params:
        code=shell_code(LIST_PACKAGES),
    message:
        "Listing the packages of this environment"
    shell:
        LIST_PACKAGES
